import { describe, expect, test } from 'vitest'
import {
  createLimiter,
  delayUntilNext,
  onReply,
  onSent,
  type RateLimiterState,
} from '../../src/upload/rateLimiter.ts'

const well = { throttled: false, proves: true }
const throttle = { throttled: true, proves: true }
const lost = { throttled: false, proves: false }
const silence = { ...lost, silent: true }

/** A pace whose first request came back well long ago. */
const proven = (max: number): RateLimiterState =>
  onReply(onSent(createLimiter(max), -10_000), -10_000, -9_950, well, 0)

/** Sends as soon as it may, `count` times; each reply comes `latency` later. */
function run(start: RateLimiterState, count: number, latency: number, from = 0) {
  let pace = start
  let now = from
  const sendings: number[] = []
  const replies: number[] = []
  const settle = () => {
    for (; replies[0] !== undefined && replies[0] <= now; replies.shift())
      pace = onReply(pace, replies[0] - latency, replies[0], well, 0)
  }
  while (sendings.length < count) {
    settle()
    const wait = delayUntilNext(pace, now)
    if (wait > 0) now = Math.min(now + wait, replies[0] ?? Infinity)
    else {
      pace = onSent(pace, now)
      sendings.push(now)
      replies.push(now + latency)
    }
  }
  return { pace, sendings, now }
}

describe('the first request goes alone', () => {
  test('clock and credentials are proven by one, not by ten', () => {
    const first = onSent(createLimiter(10), 0)
    expect(delayUntilNext(createLimiter(10), 0)).toBe(0)
    expect(delayUntilNext(first, 1)).toBe(Infinity)
    expect(delayUntilNext(first, 60_000)).toBe(Infinity)
    expect(delayUntilNext(onReply(first, 0, 150, well, 0), 150)).toBe(0)
  })

  test('a first answer that proves nothing is followed by one more alone, a second later', () => {
    const pace = onReply(onSent(createLimiter(10), 0), 0, 100, lost, 0)
    expect(delayUntilNext(pace, 100)).toBe(1_002)
    const second = onSent(pace, 1_102)
    expect(delayUntilNext(second, 1_102)).toBe(Infinity)
  })
})

describe('at full speed', () => {
  test('requests go a tenth of a second apart, several in flight', () => {
    const { sendings, pace } = run(proven(10), 5, 450)
    expect(sendings).toEqual([0, 100, 200, 300, 400])
    expect(pace.counted.filter(({ arrived }) => arrived === undefined)).toHaveLength(5)
  })

  test('a place is free one window after the sending, however long the way, where it takes all the same time', () => {
    for (const latency of [1, 20, 300, 900])
      expect([latency, run(proven(10), 11, latency).sendings.at(-1)]).toEqual([latency, 1_002])
  })

  test('one that was slower than the quickest gives its place back so much later, or a quarter of a second', () => {
    const filled = (latency: number) => {
      let pace = createLimiter(1)
      for (const [at, back] of [
        [0, 20],
        [2_000, 20],
        [4_000, latency],
      ] as const)
        pace = onReply(onSent(pace, at), at, at + back, well, 0)
      return delayUntilNext(pace, 4_999) + 4_999
    }
    expect([20, 120, 900].map(filled)).toEqual([5_002, 5_102, 5_252])
  })

  test('a timer that rings late does not slow down all that follow', () => {
    const before = onSent(proven(200), 100)
    expect(delayUntilNext(onSent(before, 107, 90), 107)).toBe(3)
    expect(delayUntilNext(onSent(before, 107, 107), 107)).toBe(5)
    expect(delayUntilNext(onSent(before, 5_000, 90), 5_000)).toBe(0)
  })

  test('a hundred take eleven seconds at ten a second, a thousand less than two minutes', () => {
    expect(run(proven(10), 100, 60).now).toBeLessThan(11_000)
    expect(run(proven(10), 1_000, 60).now).toBeLessThan(110_000)
  })

  test('one in ten seconds is one in ten seconds, throttled or not', () => {
    const slow = onSent(proven(0.1), 0)
    expect(delayUntilNext(onReply(slow, 0, 50, well, 0), 50)).toBe(9_950)
    expect(delayUntilNext(onReply(slow, 0, 50, throttle, 0), 50)).toBe(9_950)
  })
})

describe('a throttle slows all', () => {
  const batch = [0, 100, 200, 300].reduce((pace, at) => onSent(pace, at), proven(10))

  test('at once and for up to half a second, as the dice say', () => {
    expect(delayUntilNext(onReply(batch, 300, 350, throttle, 0), 350)).toBe(50)
    expect(delayUntilNext(onReply(batch, 300, 350, throttle, 1), 350)).toBe(500)
  })

  test('to three quarters, once for all that were out together', () => {
    let pace = onReply(batch, 0, 350, throttle, 0)
    expect(pace.rate).toBe(7.5)
    for (const at of [100, 200, 300]) pace = onReply(pace, at, 360 + at, throttle, 0)
    expect(pace.rate).toBe(7.5)
  })

  test('and once more where a request sent afterwards is throttled too', () => {
    const pace = onSent(onReply(batch, 0, 350, throttle, 0), 1_400)
    expect(onReply(pace, 1_400, 1_450, throttle, 0).rate).toBe(5.625)
  })

  test('after which the next request is as far off as the dice say, between half and one and a half intervals', () => {
    const slow: RateLimiterState = { ...proven(10), rate: 0.1 }
    for (const [dice, ms] of [
      [0, 5_000],
      [0.5, 10_000],
      [1, 15_000],
    ] as const)
      expect(delayUntilNext({ ...onSent(slow, 0), stride: 0.5 + dice }, 0)).toBeCloseTo(ms)
  })

  test('recovery is gradual: fifteen successes from standstill to full speed, the slow gaining most for their size', () => {
    let pace: RateLimiterState = { ...proven(10), rate: 0.1 }
    const rates = [pace.rate]
    for (let i = 0; i < 20; i++) {
      pace = onReply(onSent(pace, i * 20_000), i * 20_000, i * 20_000 + 50, well, 0)
      rates.push(pace.rate)
    }
    expect(rates[1]).toBeCloseTo(0.1 + 2 / 15)
    expect(rates[12]).toBeLessThan(10)
    expect(rates[15]).toBe(10)
    expect(Math.max(...rates)).toBe(10)
  })

  test('an answer that never came is no success', () => {
    const slow: RateLimiterState = { ...proven(10), rate: 1 }
    expect(onReply(onSent(slow, 0), 0, 30_000, lost, 0).rate).toBe(1)
  })
})

describe('in a crowd', () => {
  /** The intervals of a server whose requests are all turned away, as the middle dice give them, and when each began. */
  function turnedAway(until: number) {
    let [pace, now] = [proven(10), 0]
    const waits: { readonly at: number; readonly ms: number }[] = []
    while (now < until) {
      pace = onReply(onSent(pace, now), now, now, throttle, 0.5)
      waits.push({ at: now, ms: delayUntilNext(pace, now) })
      now += delayUntilNext(pace, now)
    }
    return { pace, waits, now }
  }

  test('nobody waits longer for the next request than a thirtieth of the time it has lasted, or two seconds', () => {
    for (const { at, ms } of turnedAway(3_600_000).waits)
      expect(ms).toBeLessThanOrEqual(Math.max(2_000, at / 30) + 0.001)
  })

  test('that lasts nobody waits longer than two minutes', () => {
    const { pace, waits } = turnedAway(24 * 3_600_000)
    expect(waits.at(-1)?.ms).toBeCloseTo(120_000)
    expect(1 / pace.rate).toBeCloseTo(120)
  })

  test('is forgotten ten minutes after the last request: the next night begins at full speed', () => {
    const { pace, now } = turnedAway(7_200_000)
    expect(onSent(pace, now).rate).toBeCloseTo(1 / 120)
    const morning = onSent(pace, now + 600_000)
    expect(morning.rate).toBe(10)
    expect(morning.crowdedSince).toBeUndefined()
  })

  test('is over when full speed has come back: the next one is measured from its own beginning', () => {
    let pace = onReply(onSent(proven(10), 0), 0, 50, throttle, 0)
    expect(pace.crowdedSince).toBe(50)
    for (let i = 1; pace.rate < 10; i++)
      pace = onReply(onSent(pace, i * 1_000), i * 1_000, i * 1_000 + 50, well, 0)
    expect(pace.crowdedSince).toBeUndefined()
  })

  test('whoever may send less than one in two minutes keeps to that', () => {
    let pace = proven(0.001)
    for (let i = 1; i < 50; i++) pace = onReply(onSent(pace, i * 2e6), i * 2e6, i * 2e6 + 50, throttle, 0)
    expect(pace.rate).toBeLessThanOrEqual(0.001)
    expect(delayUntilNext(pace, 49 * 2e6)).toBeGreaterThanOrEqual(1e6)
  })
})

describe('a service that answers nobody', () => {
  /** The waits before each of the requests that meet silence, one after the other. */
  function waits(count: number, dice: number, start = proven(10)) {
    let [pace, now] = [start, 0]
    return Array.from({ length: count }, () => {
      now += delayUntilNext(pace, now)
      const sentAt = now
      pace = onSent(pace, now)
      now += 100
      pace = onReply(pace, sentAt, now, silence, dice)
      return delayUntilNext(pace, now)
    })
  }

  test('is asked ever more rarely, by all together as rarely as by one; the first silence slows nobody', () => {
    expect(waits(9, 1)).toEqual([0, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000])
    expect(waits(3, 0)).toEqual([0, 250, 500])
  })

  test('is asked at full speed again as soon as it answers one', () => {
    const pace = { ...proven(10), silences: 7, silentAt: 0 }
    const answered = onReply(onSent(pace, 60_000), 60_000, 60_050, throttle, 0)
    expect(answered.silences).toBe(0)
    expect(delayUntilNext(onReply(onSent(pace, 60_000), 60_000, 60_050, well, 0), 60_050)).toBe(50)
  })

  test('is silent once to all that were out together', () => {
    let pace = [0, 100, 200, 300].reduce((pace, at) => onSent(pace, at), proven(10))
    for (const at of [0, 100, 200, 300]) pace = onReply(pace, at, 400 + at, silence, 1)
    expect(pace.silences).toBe(1)
    expect(delayUntilNext(pace, 700)).toBe(0)
  })
})
