/** The rescan schedule, and the rescan itself: checks everything and counts changes for which no event arrived. */
import { createTask } from 'node-cron'
import type { Settings, Source } from '../config/settings.ts'
import { Fault } from '../errors.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/registry.ts'
import type { ReceiptStore } from '../receipts/store.ts'
import { containsLineage, sourceLabel } from '../sources/discover.ts'
import { singleFlight } from '../util/async.ts'
import { CLOCK_CHECK_MS, CLOCK_STEP_MS } from '../util/schedule.ts'
import { type Inventory, missedChanges } from './inventory.ts'

interface Schedule {
  /** When it rings next, without the jitter. */
  readonly next: () => Date | null
  readonly stop: () => void
}

/** A clock that never steps, to compare the process's clock with. */
const monotonic = () => performance.now()

/**
 * Rings at the times of the expression, which are UTC, and when the clock has been set: whether a certificate is valid
 * depends on the time. A machine that has slept is one whose clock was set forward.
 *
 * node-cron 4.6 computes the next time only. Its own timers use local time, whatever zone they are given: in the hour that
 * is repeated in autumn they ring late, skip rings, or are set a thousand times a second.
 */
export function createSchedule(
  { rescan, rescanJitter }: Pick<Settings, 'rescan' | 'rescanJitter'>,
  ring: () => void,
): Schedule {
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
    // a busy process rings late, and once
    else if (isDue) ringSoon()
    timer = arm()
  }
  // at least 1 ms, so that a wrong next time never keeps the processor busy
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

interface RescanDeps {
  readonly inventory: Inventory
  readonly receipts: Pick<ReceiptStore, 'prepare'>
  /** Lists the sources again. */
  readonly list: () => Promise<void>
  /** Waits for events under way. Rejects when the daemon stops. */
  readonly settle: () => Promise<void>
  readonly onMissed: (id: string) => void
  /** Does it in a minute, unless the daemon stops before. */
  readonly later: (work: () => Promise<void>) => void
  readonly enqueue: (ids: readonly string[]) => void
  readonly log: Logger
}

/** Checks everything. One rescan at a time, however many are asked for: two would count the same change twice. */
export function createRescan(deps: RescanDeps): (why: string) => Promise<void> {
  const { inventory, receipts, list, settle, onMissed, later, enqueue, log } = deps
  const reasons = new Set<string>()
  /** Why the last rescan could not start. */
  let failure: string | undefined
  const run = singleFlight(async () => {
    const why = [...reasons].join(', ')
    reasons.clear()
    await list()
    // an ID that could not be recorded must not be fetched; and a directory that was removed is made again
    const fault = await receipts.prepare().then(() => undefined, asFault)
    if (fault) {
      if (failure !== fault.message) logFailure(log, fault)
      if (failure === undefined) later(() => retry(why))
      failure = fault.message
      return
    }
    failure = undefined
    const changed = await inventory.changedSinceLastCheck(inventory.all())
    for (const id of await missedChanges(changed, inventory, settle)) onMissed(id)
    const ids = inventory.all().map(({ id }) => id)
    log.debug({ event: 'rescan', why, lineages: ids.length }, `rescan (${why}) of ${ids.length} certificates`)
    enqueue(ids)
  })
  const rescan = (why: string) => {
    reasons.add(why)
    return run()
  }
  const retry = async (why: string) => {
    await rescan(why)
    if (failure !== undefined) later(() => retry(why))
  }
  return rescan
}

function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  throw error
}

const logFailure = (log: Logger, { code, advice, message }: Fault) =>
  log.error({ event: 'state_dir_error', code, advice }, `rescan failed: ${message}`)

interface MissedChangesDeps {
  readonly sources: readonly Source[]
  /** These have no events. */
  readonly polled: ReadonlySet<Source>
  readonly inventory: Inventory
  readonly metrics: () => Metrics | undefined
  readonly log: Logger
}

/** Counts and logs changes for which no event arrived: the sign that watching does not work there. */
export function reportMissedChanges({ sources, polled, inventory, metrics, log }: MissedChangesDeps) {
  let missed = 0
  return (id: string) => {
    const lineage = inventory.get(id)
    const source = lineage && sources.find(one => containsLineage(one, lineage))
    if (!source || polled.has(source)) return
    missed += 1
    metrics()?.missedEvent(sourceLabel(source))
    log.warn(
      { event: 'missed_change', lineage: id, missed },
      `rescan found a change to ${id} that the file watcher missed`,
    )
  }
}
