/** A state directory of a test, and receipts in it. */
import { join } from 'node:path'
import { type Receipt, type Upload, withUpload } from '../../src/receipts/receipt.ts'
import { fileName, openReceiptStore } from '../../src/receipts/store.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

export const NOW = new Date('2026-06-15T12:00:00Z')
export const LINEAGE = 'certbot:example.com'

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
    (file, aside) => damaged.push(`${file} → ${aside}`),
    () => NOW,
  )
  return { dir, receipts, damaged, file: join(dir, fileName(LINEAGE)) }
}

export async function readyStage() {
  const ready = await stage()
  await ready.receipts.prepare()
  return ready
}
