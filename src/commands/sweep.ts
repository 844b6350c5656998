/** Sweeps over everything: they trust nobody, and count what no event had told of. */
import { singleFlight } from '../core/coalesced.ts'
import { Fault } from '../core/fault.ts'
import type { Source } from '../core/settings.ts'
import type { Logger } from '../edge/log.ts'
import type { Metrics } from '../edge/metrics.ts'
import type { ReceiptStore } from '../edge/receipts.ts'
import type { Inventory } from './roster.ts'
import { containsLineage, sourceLabel } from './sources.ts'

export interface RescanDeps {
  readonly roster: Inventory
  readonly receipts: Pick<ReceiptStore, 'prepare'>
  /** Lists the sources anew. */
  readonly list: () => Promise<void>
  /** Lets arrive what is under way: an event is told of a little after the change. Rejects when there is no more to sweep. */
  readonly settle: () => Promise<void>
  readonly onMissed: (id: string) => void
  /** Does it in a minute, unless it all ends before. */
  readonly later: (work: () => Promise<void>) => void
  readonly nudge: (ids: readonly string[]) => void
  readonly log: Logger
}

/** Of lineages that have strayed those that no event has told of, nor is one under way. */
export async function unheard(
  suspects: ReadonlyMap<string, string>,
  { roster, settle }: Pick<RescanDeps, 'roster' | 'settle'>,
): Promise<readonly string[]> {
  if (suspects.size) await settle()
  return [...suspects].flatMap(([id, state]) => (roster.isStillUnnotified(id, state) ? [id] : []))
}

/** One sweep at a time, whoever calls for it and however often: two would count the same change twice. */
export function createRescan({ roster, receipts, list, settle, onMissed, later, nudge, log }: RescanDeps) {
  const reasons = new Set<string>()
  /** Why the last could not begin: said once, and tried again until it can. */
  let unswept: string | undefined
  const run = singleFlight(async () => {
    const why = [...reasons].join(', ')
    reasons.clear()
    await list()
    // as a pass begins: an ID that cannot be recorded should not be fetched; and a directory that has gone is made again
    const fault = await receipts.prepare().then(() => undefined, asFault)
    if (fault) {
      if (unswept !== fault.message) logRescanFailure(log, fault)
      if (unswept === undefined) later(() => sweepAgain(why))
      unswept = fault.message
      return
    }
    unswept = undefined
    for (const id of await unheard(await roster.changedSinceLastCheck(roster.all()), { roster, settle }))
      onMissed(id)
    const ids = roster.all().map(({ id }) => id)
    log.debug({ event: 'sweep', why, lineages: ids.length }, `sweep (${why}) over ${ids.length} certificates`)
    nudge(ids)
  })
  const sweep = (why: string): Promise<void> => {
    reasons.add(why)
    return run()
  }
  const sweepAgain = async (why: string) => {
    await sweep(why)
    if (unswept !== undefined) later(() => sweepAgain(why))
  }
  return sweep
}

function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  throw error
}

const logRescanFailure = (log: Logger, { code, advice, message }: Fault) =>
  log.error({ event: 'state', code, advice }, `not swept: ${message}`)

export interface MissedChangesDeps {
  readonly sources: readonly Source[]
  /** Of these nobody expects events. */
  readonly polled: ReadonlySet<Source>
  readonly roster: Inventory
  readonly metrics: () => Metrics | undefined
  readonly log: Logger
}

/** Counts and tells what no event had told of: the sign that watching is not well there. */
export function reportMissedChanges({ sources, polled, roster, metrics, log }: MissedChangesDeps) {
  let missed = 0
  return (id: string) => {
    const lineage = roster.get(id)
    const source = lineage && sources.find(one => containsLineage(one, lineage))
    if (!source || polled.has(source)) return
    missed += 1
    metrics()?.missedEvent(sourceLabel(source))
    log.warn(
      { event: 'missed', lineage: id, missed },
      `the sweep found a change of ${id} that no event had told of`,
    )
  }
}
