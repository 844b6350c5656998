/** An upload that could not be carried out yet: since when, why, and when a daemon tries again. Pure. */
import type { Fault } from './fault.ts'

export interface RetryState {
  readonly fingerprint: string
  readonly since: string
  /** Passes that failed in a row, each after all its own attempts. */
  readonly failures: number
  readonly nextAttemptAt: string
  readonly code: string
  readonly message: string
}

const FIRST_BACKOFF_MS = 60_000
/** Of what the service itself answered it should not be reminded often; where nobody answers, a return is soon noticed. */
const MAX_BACKOFF_MS = { answered: 3_600_000, unanswered: 900_000 } as const

/** One more failure in a row; other bytes begin a new row. Half of the wait is certain and half is thrown (0 ≤ dice < 1). */
export function recordRetry(
  before: RetryState | undefined,
  { fingerprint, fault, now, dice }: { fingerprint: string; fault: Fault; now: Date; dice: number },
): RetryState {
  const row = before?.fingerprint === fingerprint ? before : undefined
  const failures = (row?.failures ?? 0) + 1
  const longest = fault.silent ? MAX_BACKOFF_MS.unanswered : MAX_BACKOFF_MS.answered
  const full = Math.min(longest, FIRST_BACKOFF_MS * 2 ** (failures - 1))
  return {
    fingerprint,
    since: row?.since ?? now.toISOString(),
    failures,
    nextAttemptAt: new Date(now.getTime() + full / 2 + (full / 2) * dice).toISOString(),
    code: fault.code,
    message: fault.message,
  }
}

/** When the next attempt is due, where it is not due yet. A clock that was set back far does not make it wait for ever. */
export function backoffUntil(
  failing: RetryState | undefined,
  fingerprint: string,
  now: Date,
): Date | undefined {
  if (failing?.fingerprint !== fingerprint) return undefined
  const next = new Date(failing.nextAttemptAt)
  const ms = next.getTime() - now.getTime()
  return ms > 0 && ms <= MAX_BACKOFF_MS.answered ? next : undefined
}
