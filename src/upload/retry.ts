/** Repeats a request after faults that may be temporary. */
import { abortReason, FAULTS, Fault } from '../errors.ts'
import { RETRY_DELAY_MS } from '../util/schedule.ts'

/**
 * Attempts at one request in one run; with the delays below they take a minute and a half at most. A throttle uses up none:
 * it says nothing about the request that meets it.
 */
export const MAX_ATTEMPTS = 8

/** Milliseconds before attempt `made + 1`, or undefined to give up. `random` is from 0 to 1. */
export function delayAfter(made: number, fault: Fault, random: number): number | undefined {
  if (fault.retry !== 'backoff' || made >= Math.min(MAX_ATTEMPTS, fault.tries)) return undefined
  // the rate limiter decides when it may be sent again
  return fault.code === 'API_THROTTLED' ? 0 : pauseAfter(made, random)
}

/** Milliseconds after so many failures in a row. Half is random: clients that failed together do not return together. */
export function pauseAfter(failures: number, random: number): number {
  const full = Math.min(RETRY_DELAY_MS.longest, RETRY_DELAY_MS.first * 2 ** (failures - 1))
  return full / 2 + (full / 2) * random
}

export interface RetryOptions {
  readonly random: () => number
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Whether the cause of a fault of class recover has been repaired. */
  readonly repaired: () => Promise<boolean>
  readonly onRetry: (fault: Fault, attempt: number, ms: number) => void
  readonly signal?: AbortSignal | undefined
}

/** @throws the last fault; a deadline is thrown only if no fault came before it. Any other error is a bug, not repeated. */
export async function retry<T>(
  attempt: () => Promise<T>,
  { random, wait, repaired, onRetry, signal }: RetryOptions,
): Promise<{ readonly value: T; readonly attempts: number }> {
  let last: Fault | undefined
  let made = 0
  let same = 0
  for (let attempts = 1; ; attempts++) {
    try {
      return { value: await attempt(), attempts }
    } catch (error) {
      if (!(error instanceof Fault) || error.code === 'INTERRUPTED') throw error
      if (error.code === 'DEADLINE') throw last ?? error
      same = last?.code === error.code && last.message === error.message ? same + 1 : 1
      last = error
      if (error.code !== 'API_THROTTLED') made += 1
      const mayRecover = error.retry === 'recover' && made < MAX_ATTEMPTS && (await repaired())
      const ms = mayRecover ? 0 : delayAfter(made, error, random())
      if (ms === undefined) throw same < MANY ? error : repeatedFault(error, same)
      if (signal?.aborted) throw abortFault(signal, error)
      onRetry(error, attempts, ms)
      await wait(ms, signal).catch(cause => {
        throw signal?.aborted ? abortFault(signal, error) : cause
      })
    }
  }
}

/** So many equal replies are no accident. */
const MANY = 3

/** An unreadable reply, again and again, may be to a request that was performed. */
function repeatedFault(fault: Fault, times: number): Fault {
  if (fault.code !== 'REPLY_UNREADABLE' || fault.advice !== FAULTS.REPLY_UNREADABLE.advice) return fault
  return new Fault('REPLY_UNREADABLE', `${times} times the same: ${fault.message}`, {
    advice:
      'The request may have been carried out and its answer changed by a proxy or gateway: check that, or bypass it (NO_PROXY). `certferry check` names the proxy.',
  })
}

/** A deadline says less than the fault it follows; any other reason says more. */
function abortFault(signal: AbortSignal, last: Fault): Fault {
  const fault = abortReason(signal, '')
  return fault.code === 'DEADLINE' ? last : fault
}
