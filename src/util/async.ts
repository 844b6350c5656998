/** Many calls, few runs. */
import { setTimeout } from 'node:timers/promises'

/** One run at a time; a call during a run earns one more, because it may have come too late for this one. */
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
      // here and not a turn later: a call in between would wait for a loop that has ended
      running = undefined
    }
  }
  return () => {
    again = running !== undefined
    running ??= loop()
    return running
  }
}

export function limitConcurrency(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let free = most
  return async work => {
    if (free > 0) free -= 1
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}

/** Resolves after so many milliseconds; rejects with the signal's reason when it is aborted before. */
export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, signal ? { signal } : {})
