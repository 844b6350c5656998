/** A clock that moves only while nothing is under way, on the network or on the disk: an hour without the service takes seconds. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { getActiveResourcesInfo } from 'node:process'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { virtualClock } from '../../fixtures/virtualClock.ts'

export interface Clock {
  /** Milliseconds since the clock was made; it never steps. */
  readonly monotonic: () => number
  /** Milliseconds since 1970; it began with the real time, for certificates and files have real dates. */
  readonly now: () => number
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Lets time pass until the work is done. */
  readonly until: <T>(work: Promise<T>) => Promise<T>
}

/** What a request or a file operation under way holds in Node's own list. */
const BUSY = /^(FSReq|GetAddrInfoReq|TCPConnect|Zlib|RandomBytes)/

/** Turns of the event loop in a row in which nothing was under way: a chain of promises may need some to come to rest. */
const TURNS = 5

function requestsUnderWay(): () => number {
  const under = new Set<unknown>()
  const begun = (message: unknown) => void under.add((message as { request: unknown }).request)
  const over = (message: unknown) => void under.delete((message as { request: unknown }).request)
  const calls = { create: begun, trailers: over, error: over }
  for (const [name, call] of Object.entries(calls)) subscribe(`undici:request:${name}`, call)
  onTestFinished(() => {
    for (const [name, call] of Object.entries(calls)) unsubscribe(`undici:request:${name}`, call)
  })
  return () => under.size
}

export function openClock(): Clock {
  const began = Date.now()
  const underWay = requestsUnderWay()

  const quiet = async () => {
    for (let turns = 0; turns < TURNS; turns++) {
      await setImmediate()
      if (!underWay() && !getActiveResourcesInfo().some(name => BUSY.test(name))) continue
      await setTimeout(1)
      turns = 0
    }
  }
  const { now: elapsed, wait, until } = virtualClock({ still: quiet, outside: true })
  return { monotonic: elapsed, now: () => began + elapsed(), wait, until }
}
