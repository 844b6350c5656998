/** Sweeps over everything: they trust nobody, and count what no event had told of. */
import { createTask } from 'node-cron'
import type { Settings, Source } from '../config/settings.ts'
import { Fault } from '../errors.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/registry.ts'
import type { ReceiptStore } from '../receipts/store.ts'
import { containsLineage, sourceLabel } from '../sources/discover.ts'
import { singleFlight } from '../util/async.ts'
import { type Inventory, unheard } from './inventory.ts'

interface Schedule {
  /** When it rings next, as planned: the jitter comes on top. */
  readonly next: () => Date | null
  readonly stop: () => void
}

/** How often the clock is looked at, and compared with one that never steps. In milliseconds. */
const CLOCK_CHECK_MS = 60_000

/** What a clock gains or loses in that time by itself, or by being slewed, is a hundredth of this. In milliseconds. */
const CLOCK_STEP_MS = 5_000

/** The process's own clock, as node-cron takes it: there is nothing to compare it with but a clock that never steps. */
const monotonic = () => performance.now()

/**
 * Rings at its times, which are UTC, and when the clock has been set: what was not valid yet, or was thought expired, is to
 * be looked at by the new time. A machine that has slept is one whose clock was set forward.
 *
 * Of node-cron 4.6 only the next time is asked. Its own timers go by local time, whatever zone they are given: in the hour
 * that is repeated in autumn they ring late, leave rings out, or are set a thousand times a second.
 */
export function createSchedule({ rescan, rescanJitter }: Settings['watch'], ring: () => void): Schedule {
  const task = createTask(rescan, () => {}, { timezone: 'UTC' })
  const next = () => task.getNextRuns(1)[0] ?? null
  const nextTime = () => next()?.getTime() ?? Number.POSITIVE_INFINITY
  let due = nextTime()
  let ahead = Date.now() - monotonic()
  let delayed: NodeJS.Timeout | undefined
  const ringNow = () => {
    clearTimeout(delayed)
    delayed = undefined
    ring()
  }
  const ringSoon = () => {
    const delay = Math.floor(Math.random() * rescanJitter * 1000)
    if (delay === 0) ringNow()
    else delayed ??= setTimeout(ringNow, delay)
  }
  const turn = () => {
    const before = ahead
    ahead = Date.now() - monotonic()
    const isSet = Math.abs(ahead - before) >= CLOCK_STEP_MS
    const isDue = Date.now() >= due
    if (isSet || isDue) due = nextTime()
    if (isSet) ringNow()
    // where the process was too busy to ring in time, it rings late, and once
    else if (isDue) ringSoon()
    timer = arm()
  }
  // never 0: whatever the next time is taken for, the processor is not kept busy with it
  const arm = () => setTimeout(turn, Math.min(Math.max(due - Date.now(), 1), CLOCK_CHECK_MS))
  let timer = arm()
  return {
    next,
    stop: () => {
      clearTimeout(timer)
      clearTimeout(delayed)
      task.destroy()
    },
  }
}

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
    log.debug(
      { event: 'rescan', why, lineages: ids.length },
      `sweep (${why}) over ${ids.length} certificates`,
    )
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
  log.error({ event: 'state_dir_error', code, advice }, `not swept: ${message}`)

interface MissedChangesDeps {
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
      { event: 'missed_change', lineage: id, missed },
      `the sweep found a change of ${id} that no event had told of`,
    )
  }
}
