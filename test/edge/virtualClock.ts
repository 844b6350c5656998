/** Time that passes only when everybody waits for it, so that minutes of back-off take no time. */
import { setImmediate } from 'node:timers/promises'

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

export interface VirtualClock {
  readonly now: () => number
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Lets time pass until the work is done. Rejects where everybody waits for something else than time. */
  readonly until: <T>(work: Promise<T>) => Promise<T>
  /** Lets everything happen that needs no time. */
  readonly still: () => Promise<void>
  readonly advance: (ms: number) => void
}

/** Turns of the event loop that a chain of promises may need before it comes to rest. */
const TURNS = 5

export function virtualClock(): VirtualClock {
  let now = 0
  const sleepers = new Set<Sleeper>()
  const still = async () => {
    for (let turn = 0; turn < TURNS; turn++) await setImmediate()
  }
  const wait = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const sleeper = { at: now + ms, wake: resolve }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', () => {
        sleepers.delete(sleeper)
        reject(signal.reason)
      })
    })
  const until = async <T>(work: Promise<T>): Promise<T> => {
    let done = false
    const end = () => {
      done = true
    }
    work.then(end, end)
    for (;;) {
      await still()
      if (done) return work
      const [next] = [...sleepers].sort((a, b) => a.at - b.at)
      if (!next) throw new Error(`nobody waits for time any more, at ${now} ms`)
      sleepers.delete(next)
      now = Math.max(now, next.at)
      next.wake()
    }
  }
  const advance = (ms: number) => {
    now += ms
  }
  return { now: () => now, wait, until, still, advance }
}
