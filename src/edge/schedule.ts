/** Sweeps by the clock. */
import { schedule, validate } from 'node-cron'

export interface Schedule {
  /** When it rings next, as planned: the jitter comes on top. */
  readonly next: () => Date | null
  readonly stop: () => void
}

/** What is wrong with a cron expression, or nothing. */
export const sweepProblem = (expression: string): string | undefined =>
  validate(expression) ? undefined : 'expected a cron expression such as "17 */6 * * *"'

export function openSchedule(expression: string, jitterSeconds: number, ring: () => void): Schedule {
  // a machine that slept has missed rings; the next one finds whatever they would have found
  const task = schedule(expression, ring, {
    maxRandomDelay: jitterSeconds * 1000,
    suppressMissedWarning: true,
  })
  return { next: () => task.getNextRun(), stop: () => void task.destroy() }
}
