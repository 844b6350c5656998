/** A state directory of a test, and receipts in it. */
import { join } from 'node:path'
import { type Receipt, type Upload, withUpload } from '../../src/receipts/receipt.ts'
import { openReceiptStore } from '../../src/receipts/store.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

export const NOW = new Date('2026-06-15T12:00:00Z')
export const LINEAGE = 'certbot:example.com'
export const FILES = ['state.db', 'state.db-journal']
export const ASIDE = 'state.db.damaged-2026-06-15T120000000Z'

export const upload = (certificateId: string): Upload => ({
  certificateId,
  requestId: 'r',
  fingerprint: 'a'.repeat(64),
  leaf: 'b'.repeat(64),
  names: ['example.com'],
  notBefore: '2026-06-01T00:00:00.000Z',
  notAfter: '2026-08-30T00:00:00.000Z',
  uploadedAt: NOW.toISOString(),
  endpoint: 'ssl.tencentcloudapi.com',
})
export const uploadedAs = (id: string) => (receipt: Receipt) => withUpload(receipt, upload(id), false)

export async function stage(folder?: string) {
  const dir = folder ?? join(await temporaryDirectory(), 'deep', 'state')
  const damaged: string[] = []
  const receipts = openReceiptStore(
    dir,
    (what, aside) => damaged.push(aside ? `${what} → ${aside}` : what),
    () => NOW,
  )
  return { dir, receipts, damaged, file: join(dir, 'state.db') }
}

export async function readyStage() {
  const ready = await stage()
  await ready.receipts.prepare()
  return ready
}
