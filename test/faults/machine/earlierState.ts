/** What a state directory holds before a fault: nothing, receipts of older certificates, or damage. */
import { readdirSync, writeFileSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Receipt } from '../../../src/receipts/receipt.ts'
import { putReceipts } from '../../fixtures/state.ts'
import type { Trees } from './trees.ts'

/** `damaged`: the whole database; `each`: the first lineage new, the second renewed, the third with a damaged record. */
export type Past = 'none' | 'renewed' | 'damaged' | 'each'

/** The ID that every receipt of an older certificate names. */
const EARLIER = 'EARLIER1'

const earlier = (lineage: string): Receipt => ({
  lineage,
  uploaded: {
    certificateId: EARLIER,
    requestId: '',
    fingerprint: 'a'.repeat(64),
    leaf: 'b'.repeat(64),
    names: [],
    notBefore: '2020-01-01T00:00:00.000Z',
    notAfter: '2020-04-01T00:00:00.000Z',
    uploadedAt: '2020-01-02T00:00:00.000Z',
    endpoint: '127.0.0.1',
  },
  superseded: [],
  rejected: undefined,
  failing: undefined,
})

export async function putPast(stateDir: string, trees: Trees, past: Past, owner?: number): Promise<void> {
  if (past === 'none') return
  const ids = trees.planted().map(({ id }) => id)
  await putReceipts(stateDir, ...ids.slice(past === 'each' ? 1 : 0).map(earlier))
  const file = join(stateDir, 'state.db')
  if (past === 'each') {
    const db = new DatabaseSync(file)
    db.prepare("UPDATE lineages SET not_after = 'never' WHERE name = ?").run(ids[2] ?? '')
    db.close()
  }
  if (past === 'damaged') writeFileSync(file, 'damaged '.repeat(1_000))
  if (owner !== undefined)
    for (const name of readdirSync(stateDir)) await chown(join(stateDir, name), owner, owner)
}

/** The IDs that a receipt has to remember. */
export const supersededOf = (past: Past, index: number): readonly string[] =>
  past === 'renewed' || (past === 'each' && index === 1) ? [EARLIER] : []

/** What may lie beside the database for a person to examine. */
export const isAside = (path: string): boolean => /^state\.db\.damaged-[0-9TZ-]+(-journal|\/.*)?$/.test(path)
