/** The effects of a pass: files, receipts and the service, and whoever is told of what comes of it. */
import { Fault } from '../core/fault.ts'
import type { Lineage } from '../core/lineage.ts'
import type { Receipt } from '../core/receipt.ts'
import { readPair } from '../edge/files.ts'
import type { OnSecret } from '../edge/fileText.ts'
import { stampsOf } from '../edge/glance.ts'
import type { Logger } from '../edge/log.ts'
import type { Metrics } from '../edge/metrics.ts'
import { peek } from '../edge/peek.ts'
import { ownReceipt } from '../edge/place.ts'
import type { ReceiptStore } from '../edge/receipts.ts'
import type { SyncAllDeps } from '../pass.ts'
import type { ProcessContext } from '../world.ts'
import type { LazyUploader } from './carrier.ts'
import type { Notifier } from './herald.ts'
import { outcomeLogger } from './teller.ts'

export interface SyncParts {
  readonly world: ProcessContext
  readonly stateDir: string
  /** A name may be given to another place: the operator wants this one uploaded, whatever is recorded. */
  readonly force: boolean
  readonly log: Logger
  readonly receipts: ReceiptStore
  readonly carrier: LazyUploader
  readonly herald: Notifier
  readonly metrics: () => Metrics | undefined
  readonly onSecret: OnSecret
  /** Resolves once nobody else is in this process: to be awaited before a secret is read. */
  readonly alone: () => Promise<void>
  /** Milliseconds, or at once when the work is to end. */
  readonly wait: (ms: number) => Promise<void>
}

export function syncDependencies(parts: SyncParts): SyncAllDeps {
  const { world, stateDir, receipts, carrier, herald, metrics, onSecret, alone, wait } = parts
  const now = () => new Date(world.now())
  const tell = outcomeLogger(parts.log)
  const own = (lineage: Lineage, receipt: Receipt) => (parts.force ? receipt : ownReceipt(lineage, receipt))
  const recalled = (receipt: Receipt) => {
    metrics()?.recalled(receipt)
    herald.previousReceipt(receipt)
    return receipt
  }
  return {
    now,
    random: world.random,
    sleep: wait,
    glance: stampsOf,
    peek: work =>
      peek(stateDir, recall =>
        work(({ id }) => {
          const receipt = recall(id)
          return receipt && recalled(receipt)
        }),
      ),
    prepare: () => receipts.prepare().catch(stopping(herald)),
    recall: async lineage => recalled(own(lineage, await receipts.recall(lineage.id))),
    read: async lineage => {
      await alone()
      return readPair(lineage, { now, wait, onSecret })
    },
    upload: async (bundle, lineage) => {
      await alone()
      return (await carrier.uploader()).upload(bundle, lineage)
    },
    record: (lineage, amend) =>
      receipts.record(lineage.id, receipt => ({ ...amend(own(lineage, receipt)), path: lineage.chain })),
    report: outcome => {
      metrics()?.outcome(outcome)
      herald.outcome(outcome)
      tell(outcome)
    },
    abort: carrier.halt,
  }
}

/** No outcome tells of what stops the work before any certificate is looked at. */
const stopping = (herald: Notifier) => (error: unknown) => {
  if (error instanceof Fault) herald.stopped(error)
  throw error
}
