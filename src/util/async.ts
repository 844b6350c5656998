/** Asynchronous helpers: single flight, a limit of concurrency, sleep. */
import { setImmediate, setTimeout } from 'node:timers/promises'

/** One run at a time; calls during a run cause one more run, which sees what this one may have missed. */
export function singleFlight(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let again = false
  const loop = async () => {
    try {
      do {
        again = false
        await run()
      } while (again)
    } finally {
      // at once: a call in the next turn must start a new loop
      running = undefined
    }
  }
  return () => {
    again = running !== undefined
    running ??= loop()
    return running
  }
}

/**
 * Gives each caller its own turn of the event loop. Parsing a certificate takes milliseconds: hundreds in one turn would delay
 * the replies of requests under way, which the rate limiter measures.
 */
export function inTurns(): () => Promise<void> {
  let turn: Promise<void> = Promise.resolve()
  return () => {
    turn = turn.then(() => setImmediate())
    return turn
  }
}

/** Resolves after so many milliseconds; rejects with the signal's reason when it is aborted before. */
export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, signal ? { signal } : {})

export interface Slots {
  /** Runs the work when one of the slots is free, in the order of the calls. */
  readonly run: <T>(work: () => Promise<T>) => Promise<T>
  /** From now on so many at once. */
  readonly limit: (slots: number) => void
  /** How many wait for a slot. */
  readonly waiting: () => number
}

export function createSlots(slots: number): Slots {
  const waiting: (() => void)[] = []
  let free = slots
  let total = slots
  const release = () => {
    free += 1
    if (free > 0) waiting.shift()?.()
  }
  return {
    run: async work => {
      while (free <= 0) await new Promise<void>(resolve => waiting.push(resolve))
      free -= 1
      try {
        return await work()
      } finally {
        release()
      }
    },
    limit: count => {
      free += count - total
      total = count
    },
    waiting: () => waiting.length,
  }
}
