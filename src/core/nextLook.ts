/** When a daemon looks at a lineage again after a look. Pure: times are arguments, in milliseconds since 1970. */
import type { Outcome } from './outcome.ts'

/** `done` where only a nudge or a sweep will change anything; `mid-change` where the next seconds will. */
export type Requeue = 'done' | 'mid-change' | { readonly at: number }

/** Of files that cannot be read, and of an ID that could not be recorded, no receipt names a time, and no event tells when that is mended. */
const UNREADABLE_OUTCOMES = 60_000
/** Of an upload that failed the receipt names the next attempt: another look finds it there, and waits. */
const RECORDED_OUTCOMES = 1_000

/** `restsUntil`: while the account is at fault, until when uploads rest. */
export function requeueAfter(outcome: Outcome, now: number, restsUntil: number | undefined): Requeue {
  switch (outcome.outcome) {
    case 'waiting':
      return { at: outcome.until.getTime() }
    case 'refused':
      // a clock that is slow, or an authority that signs for tomorrow: nothing on disk will tell when it has come
      return outcome.because === 'not-yet-valid' && outcome.bundle
        ? { at: outcome.bundle.notBefore.getTime() }
        : 'done'
    case 'failed':
      if (outcome.fault.retry === 'soon') return 'mid-change'
      if (outcome.fault.scope === 'account') return { at: restsUntil ?? now + UNREADABLE_OUTCOMES }
      if (outcome.fault.code === 'UNRECORDED') return { at: now + UNREADABLE_OUTCOMES }
      if (outcome.fault.retry !== 'later') return 'done'
      return { at: now + (outcome.bundle ? RECORDED_OUTCOMES : UNREADABLE_OUTCOMES) }
    default:
      return 'done'
  }
}
