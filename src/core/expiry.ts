/** Certificates that were not renewed in time. Pure. */

const DAY = 86_400_000

/** Let's Encrypt renews 90-day certificates with 30 days left; a third of the life holds for 45 and for 6 days too. */
const SHARE_LEFT = 1 / 3

export interface Life {
  readonly notBefore: Date
  readonly notAfter: Date
}

/** Whether a renewal is overdue: less than a third of the certificate's life is left, or none. */
export function isOverdue({ notBefore, notAfter }: Life, now: number): boolean {
  const life = notAfter.getTime() - notBefore.getTime()
  return notAfter.getTime() - now < life * SHARE_LEFT
}

export interface Watchman {
  /** Whether a warning about this lineage is due: once a day while it is overdue. */
  readonly shouldWarn: (lineage: string, life: Life, now: number) => boolean
}

export function openWatchman(): Watchman {
  const warnedAt = new Map<string, number>()
  return {
    shouldWarn: (lineage, life, now) => {
      if (!isOverdue(life, now)) {
        warnedAt.delete(lineage)
        return false
      }
      // either way: a clock that was set back does not silence the warnings until it is where it was
      if (Math.abs(now - (warnedAt.get(lineage) ?? Number.NEGATIVE_INFINITY)) < DAY) return false
      warnedAt.set(lineage, now)
      return true
    },
  }
}
