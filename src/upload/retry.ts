/** Tries again what may pass, mends what can be repaired, and in the end throws the last real failure. */
import { abortReason, FAULTS, Fault } from '../errors.ts'
import { RETRY_DELAY_MS } from '../util/schedule.ts'

/**
 * Attempts at one request in one run; with the waits below that is about a minute and a half of patience. A throttle
 * uses up none: how many share the limit is no fault of the upload that meets it.
 */
export const MAX_ATTEMPTS = 8

/**
 * Milliseconds before attempt `made + 1`, or undefined when it is time to give up. Half of it is certain and half is
 * thrown (0 ≤ dice < 1): a fleet that failed together does not come back together.
 */
export function delayAfter(made: number, fault: Fault, dice: number): number | undefined {
  if (fault.retry !== 'backoff' || made >= Math.min(MAX_ATTEMPTS, fault.tries)) return undefined
  // when it may go again is for the pace to say
  if (fault.code === 'API_THROTTLED') return 0
  return pauseAfter(made, dice)
}

/** Milliseconds after so many failures in a row, half of them thrown. */
export function pauseAfter(failures: number, dice: number): number {
  const full = Math.min(RETRY_DELAY_MS.longest, RETRY_DELAY_MS.first * 2 ** (failures - 1))
  return full / 2 + (full / 2) * dice
}

export interface RetryOptions {
  readonly dice: () => number
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Whether the cause of a fault of class recover has been repaired. */
  readonly repaired: () => Promise<boolean>
  readonly onRetry: (fault: Fault, attempt: number, ms: number) => void
  readonly signal?: AbortSignal | undefined
}

/** Anything but a Fault is a bug and is not tried again; a deadline ends it with the last failure that says more. */
export async function retry<T>(
  attempt: () => Promise<T>,
  patience: RetryOptions,
): Promise<{ readonly value: T; readonly attempts: number }> {
  const { signal } = patience
  let last: Fault | undefined
  let made = 0
  let same = 0
  for (let attempts = 1; ; attempts++) {
    try {
      return { value: await attempt(), attempts }
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      if (error.code === 'DEADLINE') throw last ?? error
      if (error.code === 'INTERRUPTED') throw error
      same = last?.code === error.code && last.message === error.message ? same + 1 : 1
      last = error
      if (error.code !== 'API_THROTTLED') made += 1
      const ms = await retryDelay(made, error, patience)
      if (ms === undefined) throw same < MANY ? error : repeated(error, same)
      // nobody is told of another attempt that will not be made
      if (signal?.aborted) throw abortError(signal, error)
      patience.onRetry(error, attempts, ms)
      await patience.wait(ms, signal).catch(cause => {
        throw signal?.aborted ? abortError(signal, error) : cause
      })
    }
  }
}

/** So often the same is no accident. */
const MANY = 3

/** An answer that nothing can be made of, again and again, may be to a request that was carried out. */
function repeated(fault: Fault, times: number): Fault {
  if (fault.code !== 'REPLY_UNREADABLE' || fault.advice !== FAULTS.REPLY_UNREADABLE.advice) return fault
  return new Fault('REPLY_UNREADABLE', `${times} times the same: ${fault.message}`, {
    advice:
      'The request may have been carried out, and its answer changed on the way: look at what a proxy or gateway makes of it, or go round it (NO_PROXY). `certferry check` names the way.',
  })
}

/** A deadline says less than the failure it cuts short; any other reason says more. */
function abortError(signal: AbortSignal, last: Fault): Fault {
  const fault = abortReason(signal, '')
  return fault.code === 'DEADLINE' ? last : fault
}

/** Milliseconds before the next attempt, or undefined to give up. */
async function retryDelay(
  made: number,
  fault: Fault,
  { dice, repaired }: RetryOptions,
): Promise<number | undefined> {
  if (fault.retry === 'recover') return made < MAX_ATTEMPTS && (await repaired()) ? 0 : undefined
  return delayAfter(made, fault, dice())
}
