/** Uploads rest while the account itself is at fault. Pure: times are arguments, in milliseconds. */

export interface AccountPause {
  readonly until: number
  /** Faults in a row, each after the pause of the one before. */
  readonly faults: number
}

export const NO_PAUSE: AccountPause = { until: Number.NEGATIVE_INFINITY, faults: 0 }

const FIRST = 15 * 60_000
const LONGEST = 6 * 3_600_000

/** No pause is longer than the longest: a clock that was set back far does not make one. */
export const isResting = ({ until }: AccountPause, now: number): boolean =>
  now < until && until - now <= LONGEST

/** 15 minutes, doubling to six hours. Faults that meet a pause already begun make it no longer. */
export const afterFault = (pause: AccountPause, now: number): AccountPause =>
  isResting(pause, now)
    ? pause
    : { until: now + Math.min(LONGEST, FIRST * 2 ** pause.faults), faults: pause.faults + 1 }
