/** Time that passes only when everybody waits for it, so that minutes of back-off take no time. */
import { setImmediate } from 'node:timers/promises'
import { openSleepers, type Sleeper } from './sleepers.ts'

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

async function someTurns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await setImmediate()
}

export interface Stillness {
  /** Resolves when nothing happens that needs no time. */
  readonly still?: () => Promise<void>
  /** What is waited for may come from outside: that nobody waits for time is no error. */
  readonly outside?: boolean
}

export function virtualClock({ still = someTurns, outside = false }: Stillness = {}): VirtualClock {
  let now = 0
  const sleepers = openSleepers()
  const wait = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const leave = () => {
        sleeper.gone = true
        reject(signal?.reason)
      }
      const wake = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const sleeper: Sleeper = { at: now + ms, wake }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', leave, { once: true })
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
      const next = sleepers.next()
      if (!next && outside) continue
      if (!next) throw new Error(`nobody waits for time any more, at ${now} ms`)
      now = Math.max(now, next.at)
      next.wake()
    }
  }
  const advance = (ms: number) => {
    now += ms
  }
  return { now: () => now, wait, until, still, advance }
}
