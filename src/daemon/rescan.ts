/** The rescan schedule, and the rescan itself: checks everything and counts changes for which no event arrived. */
import { createTask } from 'node-cron'
import type { Settings, Source } from '../config/settings.ts'
import { Fault } from '../errors.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/registry.ts'
import type { ReceiptStore } from '../receipts/store.ts'
import { containsLineage, sourceLabel } from '../sources/discover.ts'
import { singleFlight } from '../util/async.ts'
import { CLOCK_CHECK_MS, CLOCK_STEP_MS, EVENT_GRACE_MS, RESCAN_RETRY_MS } from '../util/schedule.ts'
import type { Inventory } from './inventory.ts'

interface Schedule {
  /** When the next rescan is due, without the jitter. */
  readonly next: () => Date | null
  readonly stop: () => void
}

/**
 * Calls back at the times of the expression, which are UTC, and when the clock has been set: whether a certificate is valid
 * depends on the time. A machine that has slept is one whose clock was set forward.
 *
 * node-cron 4.6 computes the next time only. Its own timers use local time, whatever zone they are given: in the hour that
 * is repeated in autumn they fire late, skip times, or are set a thousand times a second.
 */
export function createSchedule(
  { rescan, rescanJitter }: Pick<Settings, 'rescan' | 'rescanJitter'>,
  onDue: () => void,
): Schedule {
  const task = createTask(rescan, () => {}, { timezone: 'UTC' })
  const next = () => task.getNextRuns(1)[0] ?? null
  const nextTime = () => next()?.getTime() ?? Number.POSITIVE_INFINITY
  const clockOffset = () => Date.now() - performance.now()
  let due = nextTime()
  let offset = clockOffset()
  let delayed: NodeJS.Timeout | undefined
  const callNow = () => {
    clearTimeout(delayed)
    delayed = undefined
    onDue()
  }
  const callWithJitter = () => {
    const delay = Math.floor(Math.random() * rescanJitter * 1000)
    if (delay === 0) callNow()
    else delayed ??= setTimeout(callNow, delay)
  }
  const onTimer = () => {
    const before = offset
    offset = clockOffset()
    const isClockSet = Math.abs(offset - before) >= CLOCK_STEP_MS
    const isDue = Date.now() >= due
    if (isClockSet || isDue) due = nextTime()
    if (isClockSet) callNow()
    // once, also if the process was busy at several due times
    else if (isDue) callWithJitter()
    timer = setTimer()
  }
  // at least 1 ms, so that a wrong next time never keeps the processor busy
  const setTimer = () => setTimeout(onTimer, Math.min(Math.max(due - Date.now(), 1), CLOCK_CHECK_MS))
  let timer = setTimer()
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
  readonly sources: readonly Source[]
  /** These have no events. */
  readonly polled: ReadonlySet<Source>
  readonly inventory: Inventory
  readonly receipts: Pick<ReceiptStore, 'prepare'>
  /** Lists the sources again. */
  readonly list: () => Promise<void>
  /** Waits, in milliseconds. Rejects when the daemon stops. */
  readonly wait: (ms: number) => Promise<void>
  readonly enqueue: (ids: readonly string[]) => void
  readonly onDeath: (error: unknown) => void
  readonly metrics: () => Metrics | undefined
  readonly log: Logger
}

/** Checks everything. One rescan at a time, however many are requested: two would count the same change twice. */
export function createRescan(deps: RescanDeps): (why: string) => Promise<void> {
  const { inventory, receipts, list, wait, enqueue, onDeath, log } = deps
  const reasons = new Set<string>()
  const reportMissed = missedChangeReporter(deps)
  /** Why the last rescan could not start. */
  let failure: string | undefined
  let isRetrying = false
  const run = singleFlight(async () => {
    const why = [...reasons].join(', ')
    reasons.clear()
    await list()
    // an ID that could not be recorded must not be fetched; and a directory that was removed is made again
    const fault = await receipts.prepare().then(() => undefined, asFault)
    if (fault && fault.message !== failure)
      log.error(
        { event: 'state_dir_error', code: fault.code, advice: fault.advice },
        `rescan failed: ${fault.message}`,
      )
    failure = fault?.message
    if (fault) return void retryLater(why)
    const changed = await inventory.changedSinceLastCheck(inventory.all())
    for (const id of await inventory.missed(changed, () => wait(EVENT_GRACE_MS))) reportMissed(id)
    const ids = inventory.all().map(({ id }) => id)
    log.debug({ event: 'rescan', why, lineages: ids.length }, `rescan (${why}) of ${ids.length} certificates`)
    enqueue(ids)
  })
  const rescan = (why: string) => {
    reasons.add(why)
    return run()
  }
  async function retryLater(why: string): Promise<void> {
    if (isRetrying) return
    isRetrying = true
    try {
      await wait(RESCAN_RETRY_MS)
    } catch {
      return // the daemon stops
    } finally {
      isRetrying = false
    }
    if (failure !== undefined) await rescan(why).catch(onDeath)
  }
  return rescan
}

function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  throw error
}

/** Counts and logs changes for which no event arrived: the sign that watching does not work there. */
function missedChangeReporter({ sources, polled, inventory, metrics, log }: RescanDeps) {
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
