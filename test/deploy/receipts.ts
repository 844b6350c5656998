/** What a host has recorded, as a test writes it. */
import type { Receipt, Superseded, Upload } from '../../src/receipts/receipt.ts'
import { newReplacement, type Replacement } from '../../src/receipts/replacement.ts'

export const HERE = 'ssl.tencentcloudapi.com'

export const NOW = new Date('2026-06-15T12:00:00.000Z')

export const inDays = (days: number) => new Date(NOW.getTime() + days * 86_400_000).toISOString()

export const upload = (certificateId: string, more: Partial<Upload> = {}): Upload => ({
  ...{ certificateId, requestId: 'r-1', fingerprint: `f-${certificateId}`, leaf: `leaf-${certificateId}` },
  ...{ names: ['a.example.com'], notBefore: inDays(-30), notAfter: inDays(60), uploadedAt: inDays(-30) },
  endpoint: HERE,
  ...more,
})

export const superseded = (certificateId: string, more: Partial<Superseded> = {}): Superseded => ({
  ...{ certificateId, fingerprint: `f-${certificateId}`, leaf: `leaf-${certificateId}`, endpoint: HERE },
  ...{ notBefore: inDays(-90), notAfter: inDays(0), uploadedAt: inDays(-90), supersededAt: inDays(-30) },
  ...more,
})

export const replacement = (more: Partial<Replacement> = {}): Replacement => ({
  ...newReplacement('new', NOW),
  ...more,
})

export const receipt = (more: Partial<Receipt> = {}): Receipt => ({
  ...{ lineage: 'certbot:a', uploaded: upload('new'), superseded: [superseded('old')] },
  ...{ rejected: undefined, failing: undefined },
  ...more,
})
