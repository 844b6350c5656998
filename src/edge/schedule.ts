/** Sweeps by the clock. */
import { createTask, validate } from 'node-cron'
import type { Settings } from '../core/settings.ts'

export interface Schedule {
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

/** No field of a cron expression counts so far, and node-cron would write out every number of such a range. */
const THREE_DIGITS = /\d{3}/

/** What is wrong with a cron expression, or nothing. */
export const scheduleProblem = (expression: string): string | undefined =>
  !THREE_DIGITS.test(expression) && validate(expression)
    ? undefined
    : 'expected a cron expression such as "17 */6 * * *"'

/**
 * Rings at its times, which are UTC, and when the clock has been set: what was not valid yet, or was thought expired, is to
 * be looked at by the new time. A machine that has slept is one whose clock was set forward.
 *
 * Of node-cron 4.6 only the next time is asked. Its own timers go by local time, whatever zone they are given: in the hour
 * that is repeated in autumn they ring late, leave rings out, or are set a thousand times a second.
 */
export function createSchedule({ sweep, jitterSeconds }: Settings['watch'], ring: () => void): Schedule {
  const task = createTask(sweep, () => {}, { timezone: 'UTC' })
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
    const delay = Math.floor(Math.random() * jitterSeconds * 1000)
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
