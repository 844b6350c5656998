/** Time as it passes. */
import { setTimeout } from 'node:timers/promises'

/** Resolves after so many milliseconds; rejects with the signal's reason when it is aborted before. */
export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, signal ? { signal } : {})
