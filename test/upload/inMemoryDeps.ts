/** The effects of a pass as plain functions over maps: a disk, a service and a state directory that do as a test says. */

import type { Bundle, Files } from '../../src/certificate/bundle.ts'
import type { UploadKeys } from '../../src/config/schema.ts'
import { resolveSettings } from '../../src/config/settings.ts'
import { emptyReceipt, type Receipt } from '../../src/receipts/receipt.ts'
import type { Lineage } from '../../src/sources/lineage.ts'
import { pemLineage } from '../../src/sources/lineage.ts'
import type { Outcome } from '../../src/upload/outcome.ts'
import type { SyncAllDeps } from '../../src/upload/syncAll.ts'
import type { SyncOptions } from '../../src/upload/syncCertificate.ts'

export const WISHES: SyncOptions = {
  force: false,
  dryRun: false,
  endpoint: 'ssl.tencentcloudapi.com',
  last: false,
}

const { forLineage } = resolveSettings({}, {}, {})

export const lineageOf = (name: string, keys: UploadKeys = {}): Lineage =>
  pemLineage({ kind: 'pem', name, chain: `${name}/chain.pem`, key: `${name}/key.pem`, keys }, forLineage)

export interface Written {
  readonly chain: string
  readonly key: string
  readonly settled?: boolean
}

export interface Memory {
  readonly effects: SyncAllDeps
  /** What lies on the disk under a lineage's name; a function is asked at every look. */
  readonly disk: Map<string, Written | (() => Written)>
  readonly receipts: Map<string, Receipt>
  /** What the service was sent, in order. */
  readonly sent: { readonly lineage: string; readonly bundle: Bundle }[]
  readonly told: Outcome[]
  readonly waits: number[]
}

const filesOf = ({ name, chain, key = '' }: Lineage, written: Written): Files => ({
  chain: { path: chain, text: written.chain },
  key: { path: key || name, text: written.key, password: undefined },
})

/** The service of this memory names certificates ID1, ID2 … and knows one it has. `changes` replace single effects. */
export function memory(changes: Partial<SyncAllDeps> = {}): Memory {
  const disk: Memory['disk'] = new Map()
  const receipts: Memory['receipts'] = new Map()
  const sent: Memory['sent'] = []
  const told: Outcome[] = []
  const waits: number[] = []
  const ids = new Map<string, string>()
  const read = async (lineage: Lineage) => {
    const found = disk.get(lineage.name)
    if (!found) throw new Error(`the test put nothing on the disk for ${lineage.name}`)
    const written = typeof found === 'function' ? found() : found
    return { files: filesOf(lineage, written), settled: written.settled ?? true, marks: undefined }
  }
  const recall = async ({ id }: Lineage) => receipts.get(id) ?? emptyReceipt(id)
  const effects: SyncAllDeps = {
    abort: () => {},
    random: () => 0,
    now: () => new Date(),
    stamps: () => undefined,
    recallAll: async () => new Map(),
    prepare: async () => {},
    read,
    recall,
    upload: async (bundle, { id }) => {
      sent.push({ lineage: id, bundle })
      const reused = ids.has(bundle.fingerprint)
      if (!reused) ids.set(bundle.fingerprint, `ID${ids.size + 1}`)
      const certificateId = ids.get(bundle.fingerprint) ?? ''
      return { certificateId, requestId: `request-${sent.length}`, reused, attempts: 1 }
    },
    record: async (lineage, amend) => {
      receipts.set(lineage.id, amend(await recall(lineage)))
    },
    report: outcome => told.push(outcome),
    sleep: async ms => {
      waits.push(ms)
    },
    ...changes,
  }
  return { effects, disk, receipts, sent, told, waits }
}
