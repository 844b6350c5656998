import { describe, expect, test } from 'vitest'
import {
  createLimiter,
  delayUntilNext,
  onReply,
  onSent,
  type RateLimiterState,
} from '../../src/upload/rateLimiter.ts'

const success = { throttled: false, proves: true }
const throttle = { throttled: true, proves: true }
const lost = { throttled: false, proves: false }
const silence = { ...lost, silent: true }

/** A limiter whose first request succeeded long ago. */
const warm = (max: number): RateLimiterState =>
  onReply(onSent(createLimiter(max), -10_000), -10_000, -9_950, success, 0)

/** The same, which has seen thirty round trips. */
const knowing = (max: number, minRtt: number): RateLimiterState => ({
  ...warm(max),
  minRtt,
  maxRtt: minRtt,
  roundTrips: 30,
})

/** The state after one request at `at` that took 50 ms. */
const roundTrip = (state: RateLimiterState, at: number, reply: typeof success, random = 0) =>
  onReply(onSent(state, at), at, at + 50, reply, random)

/** Sends `count` requests as soon as the limiter allows, each with a reply after `latency`. */
function run(start: RateLimiterState, count: number, latency: number) {
  let state = start
  let now = 0
  const sent: number[] = []
  const replies: number[] = []
  while (sent.length < count) {
    for (; replies[0] !== undefined && replies[0] <= now; replies.shift())
      state = onReply(state, replies[0] - latency, replies[0], success, 0)
    const wait = delayUntilNext(state, now)
    if (wait > 0) now = Math.min(now + wait, replies[0] ?? Infinity)
    else {
      state = onSent(state, now)
      sent.push(now)
      replies.push(now + latency)
    }
  }
  return { state, sent, now }
}

describe('the first request', () => {
  test('is alone until its reply', () => {
    const first = onSent(createLimiter(10), 0)
    expect(delayUntilNext(createLimiter(10), 0)).toBe(0)
    expect(delayUntilNext(first, 1)).toBe(Infinity)
    expect(delayUntilNext(first, 60_000)).toBe(Infinity)
    expect(delayUntilNext(onReply(first, 0, 150, success, 0), 150)).toBe(0)
  })

  test('is followed by another single one, a second later, if its reply proves nothing', () => {
    const state = onReply(onSent(createLimiter(10), 0), 0, 100, lost, 0)
    expect(delayUntilNext(state, 100)).toBe(1_002)
    expect(delayUntilNext(onSent(state, 1_102), 1_102)).toBe(Infinity)
  })
})

describe('at full speed', () => {
  test('requests are equally spaced, several under way', () => {
    const { sent, state } = run(warm(10), 5, 450)
    expect(sent).toEqual([0, 100, 200, 300, 400])
    expect(state.counted.filter(({ replied }) => replied === undefined)).toHaveLength(5)
  })

  test.each([1, 20, 300, 900])('a slot is free one window after sending, at a constant %i ms', latency => {
    expect(run(knowing(10, latency), 11, latency).sent.at(-1)).toBe(1_002)
  })

  test('until thirty round trips have shown the shortest, a slot is free one window after its reply', () => {
    const { sent } = run(warm(10), 60, 80)
    const tenthBefore = sent.map((at, i) => at - (sent[i - 10] ?? -Infinity))
    expect(tenthBefore.slice(10, 30)).toEqual(Array(20).fill(1_082))
    expect(tenthBefore.slice(40)).toEqual(Array(20).fill(1_002))
  })

  test.each([
    [20, 5_002],
    [120, 5_102],
    [900, 5_252],
  ])('a request of %i ms where 20 are the least frees its slot at %i', (latency, free) => {
    let state: RateLimiterState = { ...createLimiter(1), roundTrips: 1e12 }
    for (const [at, rtt] of [
      [0, 20],
      [2_000, 20],
      [4_000, latency],
    ] as const)
      state = onReply(onSent(state, at), at, at + rtt, success, 0)
    expect(delayUntilNext(state, 4_999) + 4_999).toBeCloseTo(free)
  })

  test('the more the round trips differ, and the fewer they are, the shorter another may be than all of them', () => {
    const after = (roundTrips: number) => {
      const state = { ...onSent(warm(1), 0), minRtt: 20, maxRtt: 120, roundTrips }
      return delayUntilNext(onReply(state, 0, 60, success, 0), 60) + 60
    }
    expect([100, 10_000].map(after)).toEqual([1_057, 1_043.5].map(ms => expect.closeTo(ms, 0)))
  })

  test('a late timer does not delay the requests that follow', () => {
    const before = onSent(warm(200), 100)
    expect(delayUntilNext(onSent(before, 107, 90), 107)).toBe(3)
    expect(delayUntilNext(onSent(before, 107, 107), 107)).toBe(5)
    expect(delayUntilNext(onSent(before, 5_000, 90), 5_000)).toBe(0)
  })

  test('a hundred requests take eleven seconds at ten a second, a thousand less than two minutes', () => {
    expect(run(warm(10), 100, 60).now).toBeLessThan(11_000)
    expect(run(warm(10), 1_000, 60).now).toBeLessThan(110_000)
  })

  test('a rate below one a second is kept, throttled or not', () => {
    expect(delayUntilNext(roundTrip(warm(0.1), 0, success), 50)).toBe(9_950)
    expect(delayUntilNext(roundTrip(warm(0.1), 0, throttle), 50)).toBe(9_950)
  })
})

describe('a throttle', () => {
  const batch = [0, 100, 200, 300].reduce((state, at) => onSent(state, at), warm(10))

  test('pauses all requests for up to a second', () => {
    expect(delayUntilNext(onReply(batch, 300, 350, throttle, 0), 350)).toBe(50)
    expect(delayUntilNext(onReply(batch, 300, 350, throttle, 1), 350)).toBe(1_000)
  })

  test('cuts the rate to three quarters, once for requests that were under way together', () => {
    let state = onReply(batch, 0, 350, throttle, 0)
    for (const at of [100, 200, 300]) state = onReply(state, at, 360 + at, throttle, 0)
    expect(state.rate).toBe(7.5)
    expect(roundTrip(state, 1_400, throttle).rate).toBe(5.625)
  })

  test.each([
    [0, 5_000],
    [0.5, 10_000],
    [1, 15_000],
  ])('makes the interval random: %d of the jitter is %i ms', (random, ms) => {
    const slow = { ...warm(10), rate: 0.1 }
    expect(delayUntilNext({ ...onSent(slow, 0), jitter: 0.5 + random }, 0)).toBeCloseTo(ms)
  })

  test('is forgotten after fifteen successes, of which the first ones raise a low rate most', () => {
    let state: RateLimiterState = { ...warm(10), rate: 0.1 }
    const rates = Array.from({ length: 20 }, (_, i) => {
      state = roundTrip(state, i * 20_000, success)
      return state.rate
    })
    expect(rates[0]).toBeCloseTo(0.1 + 2 / 15)
    expect(rates[11]).toBeLessThan(10)
    expect(rates[14]).toBe(10)
    expect(Math.max(...rates)).toBe(10)
    expect(roundTrip({ ...warm(10), rate: 1 }, 0, lost).rate).toBe(1)
  })
})

describe('a crowded limit', () => {
  /** A client whose requests are all throttled: its intervals, and when each began. */
  function throttledUntil(end: number) {
    let [state, now] = [warm(10), 0]
    const intervals: { readonly at: number; readonly ms: number }[] = []
    while (now < end) {
      state = onReply(onSent(state, now), now, now, throttle, 0.5)
      intervals.push({ at: now, ms: delayUntilNext(state, now) })
      now += delayUntilNext(state, now)
    }
    return { state, intervals, now }
  }

  test('makes no interval longer than a thirtieth of the time it has lasted, two seconds or two minutes', () => {
    for (const { at, ms } of throttledUntil(3_600_000).intervals)
      expect(ms).toBeLessThanOrEqual(Math.max(2_000, at / 30) + 0.001)
    const { state, intervals } = throttledUntil(24 * 3_600_000)
    expect(intervals.at(-1)?.ms).toBeCloseTo(120_000)
    expect(1 / state.rate).toBeCloseTo(120)
  })

  test('is forgotten ten minutes after the last request', () => {
    const { state, now } = throttledUntil(7_200_000)
    expect(onSent(state, now).rate).toBeCloseTo(1 / 120)
    expect(onSent(state, now + 600_000)).toMatchObject({ rate: 10, throttledSince: undefined })
  })

  test('is over when the rate is back at its maximum', () => {
    let state = roundTrip(warm(10), 0, throttle)
    expect(state.throttledSince).toBe(50)
    for (let i = 1; state.rate < 10; i++) state = roundTrip(state, i * 1_000, success)
    expect(state.throttledSince).toBeUndefined()
  })

  test('never raises a rate of less than one request in two minutes', () => {
    let state = warm(0.001)
    for (let i = 1; i < 50; i++) state = roundTrip(state, i * 2e6, throttle)
    expect(state.rate).toBeLessThanOrEqual(0.001)
    expect(delayUntilNext(state, 49 * 2e6)).toBeGreaterThanOrEqual(1e6)
  })
})

describe('a service that does not answer', () => {
  /** The waits after each of `count` requests without an answer. */
  function waits(count: number, random: number) {
    let [state, now] = [warm(10), 0]
    return Array.from({ length: count }, () => {
      now += delayUntilNext(state, now)
      state = onReply(onSent(state, now), now, now + 100, silence, random)
      now += 100
      return delayUntilNext(state, now)
    })
  }

  test('gets requests ever more rarely, after the second failure', () => {
    expect(waits(9, 1)).toEqual([0, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000])
    expect(waits(3, 0)).toEqual([0, 250, 500])
  })

  test('gets them at full speed again after any answer', () => {
    const state = { ...warm(10), unanswered: 7, unansweredAt: 0 }
    expect(roundTrip(state, 60_000, throttle).unanswered).toBe(0)
    expect(delayUntilNext(roundTrip(state, 60_000, success), 60_050)).toBe(50)
  })

  test('has failed once for all requests that were under way together', () => {
    let state = [0, 100, 200, 300].reduce((before, at) => onSent(before, at), warm(10))
    for (const at of [0, 100, 200, 300]) state = onReply(state, at, 400 + at, silence, 1)
    expect(state.unanswered).toBe(1)
    expect(delayUntilNext(state, 700)).toBe(0)
  })
})
