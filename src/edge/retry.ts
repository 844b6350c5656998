/** Tries again what may pass, mends what can be mended, and in the end throws the last real failure. */
import { delayAfter, MOST_ATTEMPTS } from '../core/backoff.ts'
import { Fault } from '../core/fault.ts'
import { endingFault } from './ending.ts'

export interface Patience {
  readonly dice: () => number
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Whether the cause of a fault of class repair has been mended. */
  readonly mended: () => Promise<boolean>
  readonly onRetry: (fault: Fault, attempt: number, ms: number) => void
  readonly signal?: AbortSignal | undefined
}

/** Anything but a Fault is a bug and is not tried again; a deadline ends it with the last failure that says more. */
export async function retry<T>(
  attempt: () => Promise<T>,
  patience: Patience,
): Promise<{ readonly value: T; readonly attempts: number }> {
  const { signal } = patience
  let last: Fault | undefined
  let made = 0
  for (let attempts = 1; ; attempts++) {
    try {
      return { value: await attempt(), attempts }
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      if (error.code === 'DEADLINE') throw last ?? error
      if (error.code === 'INTERRUPTED') throw error
      last = error
      if (error.code !== 'API_THROTTLED') made += 1
      const ms = await pauseAfter(made, error, patience)
      if (ms === undefined) throw error
      // nobody is told of another attempt that will not be made
      if (signal?.aborted) throw broken(signal, error)
      patience.onRetry(error, attempts, ms)
      await patience.wait(ms, signal).catch(cause => {
        throw signal?.aborted ? broken(signal, error) : cause
      })
    }
  }
}

/** A deadline says less than the failure it cuts short; any other reason says more. */
function broken(signal: AbortSignal, last: Fault): Fault {
  const fault = endingFault(signal, '')
  return fault.code === 'DEADLINE' ? last : fault
}

/** Milliseconds before the next attempt, or undefined to give up. */
async function pauseAfter(
  made: number,
  fault: Fault,
  { dice, mended }: Patience,
): Promise<number | undefined> {
  if (fault.retry === 'repair') return made < MOST_ATTEMPTS && (await mended()) ? 0 : undefined
  return delayAfter(made, fault, dice())
}
