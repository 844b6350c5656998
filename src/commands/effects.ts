/** The effects of a pass: files, receipts and the service, and whoever is told of what comes of it. */
import { Fault } from '../core/fault.ts'
import type { Lineage } from '../core/lineage.ts'
import type { Receipt } from '../core/receipt.ts'
import { readFiles } from '../edge/files.ts'
import type { OnSecret } from '../edge/fileText.ts'
import { glance } from '../edge/glance.ts'
import type { Log } from '../edge/log.ts'
import type { Metrics } from '../edge/metrics.ts'
import { peek } from '../edge/peek.ts'
import { ownReceipt } from '../edge/place.ts'
import type { Receipts } from '../edge/receipts.ts'
import type { PassEffects } from '../pass.ts'
import type { World } from '../world.ts'
import type { Carrier } from './carrier.ts'
import type { Herald } from './herald.ts'
import { teller } from './teller.ts'

export interface Parts {
  readonly world: World
  readonly stateDir: string
  /** A name may be given to another place: the operator wants this one uploaded, whatever is recorded. */
  readonly force: boolean
  readonly log: Log
  readonly receipts: Receipts
  readonly carrier: Carrier
  readonly herald: Herald
  readonly metrics: () => Metrics | undefined
  readonly onSecret: OnSecret
  /** Resolves once nobody else is in this process: to be awaited before a secret is read. */
  readonly alone: () => Promise<void>
  /** Milliseconds, or at once when the work is to end. */
  readonly wait: (ms: number) => Promise<void>
}

export function passEffects(parts: Parts): PassEffects {
  const { world, stateDir, receipts, carrier, herald, metrics, onSecret, alone, wait } = parts
  const now = () => new Date(world.now())
  const tell = teller(parts.log)
  const own = (lineage: Lineage, receipt: Receipt) => (parts.force ? receipt : ownReceipt(lineage, receipt))
  const recalled = (receipt: Receipt) => {
    metrics()?.recalled(receipt)
    herald.recalled(receipt)
    return receipt
  }
  return {
    now,
    dice: world.dice,
    wait,
    glance,
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
      return readFiles(lineage, { now, wait, onSecret })
    },
    upload: async (bundle, lineage) => {
      await alone()
      return (await carrier.uploader()).upload(bundle, lineage)
    },
    record: (lineage, amend) =>
      receipts.record(lineage.id, receipt => ({ ...amend(own(lineage, receipt)), path: lineage.chain })),
    tell: outcome => {
      metrics()?.outcome(outcome)
      herald.tell(outcome)
      tell(outcome)
    },
    halt: carrier.halt,
  }
}

/** No outcome tells of what stops the work before any certificate is looked at. */
const stopping = (herald: Herald) => (error: unknown) => {
  if (error instanceof Fault) herald.stopped(error)
  throw error
}
