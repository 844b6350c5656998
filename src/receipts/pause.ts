/** A pause of the daemon's uploads, as it is recorded for `status` and `check`. Pure. */

/** A fault of the account has paused the daemon's uploads. Times in ISO 8601. */
export interface Pause {
  readonly since: string
  readonly until: string
  readonly message: string
  readonly advice: string
}

export const isPaused = ({ until }: Pause, now: Date): boolean => Date.parse(until) > now.getTime()
