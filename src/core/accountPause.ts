/** Uploads rest while the account itself is at fault. Pure: times are arguments, in milliseconds. */

export interface BreakerState {
  readonly until: number
  /** Faults in a row, each after the pause of the one before. */
  readonly faults: number
}

export const CLOSED: BreakerState = { until: Number.NEGATIVE_INFINITY, faults: 0 }

const FIRST_PAUSE_MS = 15 * 60_000
const MAX_PAUSE_MS = 6 * 3_600_000

/** No pause is longer than the longest: a clock that was set back far does not make one. */
export const isOpen = ({ until }: BreakerState, now: number): boolean =>
  now < until && until - now <= MAX_PAUSE_MS

/** 15 minutes, doubling to six hours. Faults that meet a pause already begun make it no longer. */
export const trip = (pause: BreakerState, now: number): BreakerState =>
  isOpen(pause, now)
    ? pause
    : { until: now + Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** pause.faults), faults: pause.faults + 1 }
