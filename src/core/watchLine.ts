/** How a daemon is, in one line. Pure. */

const DAY = 86_400_000

export interface Watching {
  readonly certificates: number
  readonly pending: number
  readonly nextSweep: Date | null
  /** Milliseconds since 1970. */
  readonly now: number
}

/** In local time, as all times that systemctl shows; with its day where that is not plain. */
export function watchLine({ certificates, pending, nextSweep, now }: Watching): string {
  const parts = [`${certificates} certificate${certificates === 1 ? '' : 's'}`, `${pending} pending`]
  if (!nextSweep) return parts.join(', ')
  const day = nextSweep.getTime() - now < DAY ? '' : `${nextSweep.toDateString().slice(0, 10)} `
  return [...parts, `next sweep ${day}${nextSweep.toTimeString().slice(0, 5)}`].join(', ')
}
