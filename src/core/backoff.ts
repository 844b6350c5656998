/** How long to wait before trying again. Pure: the dice come in as an argument. */
import type { Fault } from './fault.ts'

/**
 * Attempts at one upload within one pass; with the waits below that is about a minute and a half of patience. A throttle
 * uses up none: how many share the limit is no fault of the upload that meets it.
 */
export const MAX_ATTEMPTS = 8

const FIRST_DELAY_MS = 500
const MAX_DELAY_MS = 30_000

/**
 * Milliseconds before attempt `made + 1`, or undefined when it is time to give up. Half of it is certain and half is
 * thrown (0 ≤ dice < 1): a fleet that failed together does not come back together.
 */
export function delayAfter(made: number, fault: Fault, dice: number): number | undefined {
  if (fault.retry !== 'later' || made >= Math.min(MAX_ATTEMPTS, fault.tries)) return undefined
  // when it may go again is for the pace to say
  if (fault.code === 'API_THROTTLED') return 0
  return pauseAfter(made, dice)
}

/** Milliseconds after so many failures in a row, half of them thrown. */
export function pauseAfter(failures: number, dice: number): number {
  const full = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1))
  return full / 2 + (full / 2) * dice
}
