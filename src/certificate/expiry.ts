/** Certificates that were not renewed in time. Pure. */
import { Fault } from '../errors.ts'

const DAY = 86_400_000

/** Let's Encrypt renews 90-day certificates with 30 days left; a third of the life holds for 45 and for 6 days too. */
const SHARE_LEFT = 1 / 3

export interface Life {
  readonly notBefore: Date
  readonly notAfter: Date
}

/** Why a certificate with these dates is refused today; undefined while it is valid. */
export function validityFault({ notBefore, notAfter }: Life, now: Date): Fault | undefined {
  if (notAfter <= now) return new Fault('EXPIRED', `it expired on ${notAfter.toISOString().slice(0, 10)}`)
  if (notBefore > now) return new Fault('NOT_YET_VALID', `it is not valid before ${notBefore.toISOString()}`)
  return undefined
}

/** Whether a renewal is overdue: less than a third of the certificate's life is left, or none. */
export function isOverdue({ notBefore, notAfter }: Life, now: number): boolean {
  const life = notAfter.getTime() - notBefore.getTime()
  return notAfter.getTime() - now < life * SHARE_LEFT
}

/** ACME clients run once or twice a day; a certificate of six days gets five hours. */
const graceOf = ({ notBefore, notAfter }: Life) =>
  Math.min(DAY, (notAfter.getTime() - notBefore.getTime()) / 30)

/** Whether it is overdue for longer than a client takes to renew it. */
export const isLate = (life: Life, now: number): boolean => isOverdue(life, now - graceOf(life))

export const overdueAdvice = (life: Life, now: number): string =>
  isLate(life, now)
    ? 'See what the ACME client last logged.'
    : 'ACME clients renew about now. If this stays, see what yours last logged.'

/** Between daily warnings: rescans come at the same hours with some jitter, so the next may come early. */
export const ABOUT_A_DAY = DAY - 30 * 60_000

interface ExpiryWarnings {
  /** Whether a warning about this lineage is due: once a day while it is overdue. */
  readonly shouldWarn: (lineage: string, life: Life, now: number) => boolean
}

export function createExpiryWarnings(): ExpiryWarnings {
  const warnedAt = new Map<string, number>()
  return {
    shouldWarn: (lineage, life, now) => {
      if (!isOverdue(life, now)) {
        warnedAt.delete(lineage)
        return false
      }
      // in both directions: a clock that was set back must not silence the warnings
      if (Math.abs(now - (warnedAt.get(lineage) ?? Number.NEGATIVE_INFINITY)) < ABOUT_A_DAY) return false
      warnedAt.set(lineage, now)
      return true
    },
  }
}
