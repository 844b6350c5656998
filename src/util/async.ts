/** Asynchronous helpers: single flight, a limit of concurrency, sleep. */
import { setTimeout } from 'node:timers/promises'

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

/** Resolves after so many milliseconds; rejects with the signal's reason when it is aborted before. */
export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, signal ? { signal } : {})
