/** Sweeps by the clock. */
import { schedule, validate } from 'node-cron'
import type { Settings } from '../core/settings.ts'

export interface Schedule {
  /** When it rings next, as planned: the jitter comes on top. */
  readonly next: () => Date | null
  readonly stop: () => void
}

/** How often the clock is compared with one that never steps. In milliseconds. */
const COMPARED = 60_000
/** What a clock gains or loses in that time by itself, or by being slewed, is a hundredth of this. In milliseconds. */
const STEP = 5_000

/** The process's own clock, as node-cron takes its own: there is nothing to compare it with but a clock that never steps. */
const monotonic = () => performance.now()

/** No field of a cron expression counts so far, and node-cron would write out every number of such a range. */
const THREE_DIGITS = /\d{3}/

/** What is wrong with a cron expression, or nothing. */
export const sweepProblem = (expression: string): string | undefined =>
  !THREE_DIGITS.test(expression) && validate(expression)
    ? undefined
    : 'expected a cron expression such as "17 */6 * * *"'

/**
 * Rings at its times, and when the clock has been set: node-cron would wait until a clock that was set back is where it
 * was, and what was not valid yet, or was thought expired, is to be looked at by the new time. A machine that has slept
 * is one whose clock was set forward.
 */
export function openSchedule({ sweep, jitterSeconds }: Settings['watch'], ring: () => void): Schedule {
  const task = schedule(sweep, ring, {
    maxRandomDelay: jitterSeconds * 1000,
    // where the process was too busy to ring in time, it rings late and not six hours later
    missedExecutionTolerance: Number.POSITIVE_INFINITY,
    suppressMissedWarning: true,
  })
  let ahead = Date.now() - monotonic()
  const compare = () => {
    const before = ahead
    ahead = Date.now() - monotonic()
    if (Math.abs(ahead - before) < STEP) return
    task.stop()
    task.start()
    ring()
  }
  const comparing = setInterval(compare, COMPARED)
  return {
    next: () => task.getNextRun(),
    stop: () => {
      clearInterval(comparing)
      task.destroy()
    },
  }
}
