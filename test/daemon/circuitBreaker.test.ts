import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type BreakerState,
  CLOSED,
  createCircuitBreaker,
  isOpen,
  trip,
} from '../../src/daemon/circuitBreaker.ts'
import { Fault } from '../../src/errors.ts'
import { bundleOf } from '../fixtures/samples.ts'
import { lineageOf } from '../upload/inMemoryDeps.ts'

const MINUTE = 60_000
const YEAR = 365 * 24 * 60 * MINUTE
const bundle = await bundleOf()
const lineage = lineageOf('a')
const UPLOADED = { certificateId: 'ID1', requestId: 'r', reused: false, attempts: 1 }
const forbidden = new Fault('API_FORBIDDEN', 'not allowed')
const network = new Fault('NETWORK', 'unreachable')
const unavailable = new Fault('API_UNAVAILABLE', 'internal error', { apiCode: 'InternalError' })

beforeEach(() => void vi.useFakeTimers({ now: 0 }))
afterEach(() => void vi.useRealTimers())

/** A circuit breaker before a service whose answers the test gives one by one. */
function openBreaker() {
  const requests: PromiseWithResolvers<typeof UPLOADED>[] = []
  const events: string[] = []
  const renewals: number[] = []
  const credentials = { mark: 'old' }
  const breaker = createCircuitBreaker({
    now: Date.now,
    renewUploader: async () => void renewals.push(requests.length),
    credentialsMark: async () => credentials.mark,
    log: {
      paused: ({ code }, until) =>
        void events.push(`${code} for ${(until.getTime() - Date.now()) / MINUTE} minutes`),
      resumed: () => void events.push('resumed'),
      serviceUnreachable: ({ code }) => void events.push(code),
      serviceRecovered: () => void events.push('recovered'),
    },
    onNewCredentials: () => void events.push('rescan'),
    onRecovery: () => void events.push('retry'),
    upload: () => {
      const request = Promise.withResolvers<typeof UPLOADED>()
      requests.push(request)
      return request.promise
    },
  })
  const send = () =>
    breaker.upload(bundle, lineage).catch((error: Error) => (error instanceof Fault ? error.code : error))
  /** Sends one, which is answered at once. */
  const sendFor = async (answer: Error | typeof UPLOADED) => {
    const sent = send()
    if (answer instanceof Error) requests.at(-1)?.reject(answer)
    else requests.at(-1)?.resolve(answer)
    return sent
  }
  return { requests, events, renewals, credentials, breaker, send, sendFor }
}

describe('pause', () => {
  test('pauses last 15 minutes, then twice as long each time, at most six hours', () => {
    let state: BreakerState = CLOSED
    let now = 0
    const minutes = Array.from({ length: 8 }, () => {
      state = trip(state, now)
      const length = state.until - now
      now = state.until
      return length / MINUTE
    })
    expect(minutes).toEqual([15, 30, 60, 120, 240, 360, 360, 360])
    expect(trip({ until: 0, faults: 5_000 }, 0).until).toBe(360 * MINUTE)
  })

  test('a fault during a pause does not extend it', () => {
    const state = trip(CLOSED, 0)
    expect(trip(state, 15 * MINUTE - 1)).toBe(state)
    expect(trip(state, 15 * MINUTE)).toEqual({ until: 45 * MINUTE, faults: 2 })
  })

  test('a clock that is set back a year ends the pause', () => {
    const state = trip(CLOSED, 0)
    expect(isOpen(state, 0)).toBe(true)
    expect(isOpen(state, -YEAR)).toBe(false)
    expect(trip(state, -YEAR).faults).toBe(2)
  })
})

describe('fault of the account', () => {
  test('ten uploads that meet it are one pause, and the uploader is renewed once, when the last has ended', async () => {
    const { requests, events, renewals, send } = openBreaker()
    const sent = Array.from({ length: 10 }, send)
    for (const request of requests.slice(0, 9)) request.reject(forbidden)
    await Promise.all(sent.slice(0, 9))
    expect(renewals).toEqual([])
    requests[9]?.reject(forbidden)
    expect(await Promise.all(sent)).toEqual(Array(10).fill('API_FORBIDDEN'))
    expect([events, renewals]).toEqual([['API_FORBIDDEN for 15 minutes'], [10]])
  })

  test('while uploads are paused no request is sent, and the fault of each has the reason', async () => {
    const { requests, breaker, sendFor } = openBreaker()
    await sendFor(forbidden)
    vi.setSystemTime(15 * MINUTE - 1)
    expect(breaker.openUntil()).toBe(15 * MINUTE)
    await expect(breaker.upload(bundle, lineage)).rejects.toMatchObject({
      code: 'UPLOADS_PAUSED',
      scope: 'account',
      message: expect.stringContaining('not allowed'),
    })
    expect(requests).toHaveLength(1)
    vi.setSystemTime(15 * MINUTE)
    expect(breaker.openUntil()).toBeUndefined()
    expect(await sendFor(UPLOADED)).toEqual(UPLOADED)
  })

  test('a successful upload makes the next pause short again', async () => {
    const { events, sendFor } = openBreaker()
    await sendFor(forbidden)
    vi.setSystemTime(15 * MINUTE)
    await sendFor(forbidden)
    vi.setSystemTime(45 * MINUTE)
    await sendFor(UPLOADED)
    await sendFor(forbidden)
    expect(events).toEqual([15, 30, 15].map(minutes => `API_FORBIDDEN for ${minutes} minutes`))
  })

  test('an upload that started before the pause does not end it', async () => {
    const { requests, breaker, send } = openBreaker()
    const sent = [send(), send()]
    requests[0]?.reject(forbidden)
    await sent[0]
    requests[1]?.resolve(UPLOADED)
    expect(await sent[1]).toEqual(UPLOADED)
    expect(breaker.openUntil()).toBe(15 * MINUTE)
  })

  test('new credentials end the pause within a minute, once; the next pause is short', async () => {
    const { breaker, credentials, events, sendFor } = openBreaker()
    await sendFor(forbidden)
    await vi.advanceTimersByTimeAsync(5 * MINUTE)
    expect(events).toHaveLength(1)
    credentials.mark = 'new'
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect([breaker.openUntil(), vi.getTimerCount()]).toEqual([undefined, 0])
    await sendFor(forbidden)
    expect(events.slice(1)).toEqual(['resumed', 'rescan', 'API_FORBIDDEN for 15 minutes'])
  })

  test.each([
    ['a pause that ends', async () => void (await vi.advanceTimersByTimeAsync(16 * MINUTE))],
    ['close', async (breaker: { readonly close: () => void }) => breaker.close()],
  ])('%s ends the poll for new credentials', async (_, end) => {
    const { breaker, credentials, events, sendFor } = openBreaker()
    await sendFor(forbidden)
    await end(breaker)
    credentials.mark = 'new'
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect([vi.getTimerCount(), events.length]).toEqual([0, 1])
  })

  test.each([
    new Fault('API_REJECTED', 'no', { apiCode: 'SomeError' }),
    unavailable,
    network,
    new Fault('INTERRUPTED', 'no'),
    new TypeError('a bug'),
  ])('%s pauses nothing', async error => {
    const { breaker, sendFor } = openBreaker()
    expect(await sendFor(error)).toBe(error instanceof Fault ? error.code : error)
    expect(breaker.openUntil()).toBeUndefined()
  })
})

describe('outage', () => {
  // an uploader that got no answer for 90 s never sends again
  test('afterwards the uploader is renewed, once nothing is under way through the old one', async () => {
    const { requests, renewals, send } = openBreaker()
    const sent = [send(), send()]
    requests[0]?.reject(network)
    await sent[0]
    expect(renewals).toEqual([])
    requests[1]?.reject(unavailable)
    await sent[1]
    expect(renewals).toEqual([2])
  })

  test('a service that answers keeps its uploader with the rate that it has learnt', async () => {
    const { renewals, sendFor } = openBreaker()
    await sendFor(new Fault('API_THROTTLED', 'slower', { apiCode: 'RequestLimitExceeded' }))
    await sendFor(UPLOADED)
    expect(renewals).toEqual([])
  })

  test('a service that does not answer is unreachable until an upload succeeds', async () => {
    const { events, sendFor } = openBreaker()
    for (const answer of [UPLOADED, network, unavailable, UPLOADED, UPLOADED, network]) await sendFor(answer)
    expect(events).toEqual(['NETWORK', 'recovered', 'retry', 'NETWORK'])
  })

  test('a service that answers every upload with an error is reachable, and what waits is retried when it recovers', async () => {
    const { events, sendFor } = openBreaker()
    for (const answer of [unavailable, unavailable, UPLOADED, UPLOADED]) await sendFor(answer)
    expect(events).toEqual(['recovered', 'retry'])
  })

  test('a failure while other uploads succeed is no outage', async () => {
    const { requests, events, send, sendFor } = openBreaker()
    const slow = send()
    const own = requests[0]
    await sendFor(UPLOADED)
    own?.reject(network)
    await slow
    await sendFor(UPLOADED)
    expect(events).toEqual([])
  })
})

describe('requests of replacements', () => {
  test('are not sent during a pause', async () => {
    const { breaker, sendFor } = openBreaker()
    await sendFor(forbidden)
    const send = vi.fn(async () => 'sent')
    await expect(breaker.request(send)).rejects.toMatchObject({ code: 'UPLOADS_PAUSED' })
    expect(send).not.toHaveBeenCalled()
  })

  test('pause nothing by their faults; after one that ends an uploader the next has another', async () => {
    const { breaker, renewals, events } = openBreaker()
    const fail = (fault: Fault) => breaker.request(() => Promise.reject(fault)).catch(() => {})
    await fail(forbidden)
    expect(renewals).toHaveLength(0)
    await fail(new Fault('API_CREDENTIALS', 'no'))
    await fail(new Fault('NETWORK', 'no'))
    expect(renewals).toHaveLength(2)
    expect([breaker.openUntil(), events]).toEqual([undefined, []])
  })
})
