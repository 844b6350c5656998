/** What a state directory holds before a fault: nothing, receipts of older certificates, or damage. */
import { serializeReceipt } from '../../../src/receipts/codec.ts'
import { fileName } from '../../../src/receipts/store.ts'
import type { Trees } from './trees.ts'

/** `each`: the first lineage new, the second renewed, the third with a damaged receipt. */
export type Past = 'none' | 'renewed' | 'damaged' | 'each'

/** The ID that every receipt of an older certificate names. */
const EARLIER = 'EARLIER1'

const DAMAGE = '{"version": 1, "lineage": '

function earlier(lineage: string): string {
  const uploaded = {
    certificateId: EARLIER,
    requestId: '',
    fingerprint: 'a'.repeat(64),
    leaf: 'b'.repeat(64),
    names: [],
    notBefore: '2020-01-01T00:00:00.000Z',
    notAfter: '2020-04-01T00:00:00.000Z',
    uploadedAt: '2020-01-02T00:00:00.000Z',
    endpoint: '127.0.0.1',
  }
  return serializeReceipt({ lineage, uploaded, superseded: [], rejected: undefined, failing: undefined })
}

const pastOf = (past: Past, index: number): Past =>
  past === 'each' ? ((['none', 'renewed', 'damaged'] as const)[index] ?? 'none') : past

/** Files to be written before. */
export const receiptsOf = (trees: Trees, past: Past) =>
  trees.planted().flatMap(({ id }, i) => {
    const own = pastOf(past, i)
    return own === 'none' ? [] : [{ name: fileName(id), text: own === 'renewed' ? earlier(id) : DAMAGE }]
  })

/** The IDs that a receipt has to remember. */
export const supersededOf = (past: Past, index: number): readonly string[] =>
  pastOf(past, index) === 'renewed' ? [EARLIER] : []

/** What may lie beside the receipts for a person to look at: exactly what was there. */
export const isAside = (path: string, text: string): boolean =>
  /^[^/]+\.json\.damaged-[-0-9TZ]+$/.test(path) && text === DAMAGE
