import { describe, expect, test } from 'vitest'
import { type Pace, paceOf, returned, sent, waitOf } from '../../src/core/pace.ts'

const well = { throttled: false, proves: true }
const throttle = { throttled: true, proves: true }
const lost = { throttled: false, proves: false }
const silence = { ...lost, silent: true }

/** A pace whose first request came back well long ago. */
const proven = (max: number): Pace => returned(sent(paceOf(max), -10_000), -10_000, -9_950, well, 0)

/** Sends as soon as it may, `count` times; each reply comes `latency` later. */
function run(start: Pace, count: number, latency: number, from = 0) {
  let pace = start
  let now = from
  const sendings: number[] = []
  const replies: number[] = []
  const settle = () => {
    for (; replies[0] !== undefined && replies[0] <= now; replies.shift())
      pace = returned(pace, replies[0] - latency, replies[0], well, 0)
  }
  while (sendings.length < count) {
    settle()
    const wait = waitOf(pace, now)
    if (wait > 0) now = Math.min(now + wait, replies[0] ?? Infinity)
    else {
      pace = sent(pace, now)
      sendings.push(now)
      replies.push(now + latency)
    }
  }
  return { pace, sendings, now }
}

describe('the first request goes alone', () => {
  test('clock and credentials are proven by one, not by ten', () => {
    const first = sent(paceOf(10), 0)
    expect(waitOf(paceOf(10), 0)).toBe(0)
    expect(waitOf(first, 1)).toBe(Infinity)
    expect(waitOf(first, 60_000)).toBe(Infinity)
    expect(waitOf(returned(first, 0, 150, well, 0), 150)).toBe(0)
  })

  test('a first answer that proves nothing is followed by one more alone, a second later', () => {
    const pace = returned(sent(paceOf(10), 0), 0, 100, lost, 0)
    expect(waitOf(pace, 100)).toBe(1_002)
    const second = sent(pace, 1_102)
    expect(waitOf(second, 1_102)).toBe(Infinity)
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
      let pace = paceOf(1)
      for (const [at, back] of [
        [0, 20],
        [2_000, 20],
        [4_000, latency],
      ] as const)
        pace = returned(sent(pace, at), at, at + back, well, 0)
      return waitOf(pace, 4_999) + 4_999
    }
    expect([20, 120, 900].map(filled)).toEqual([5_002, 5_102, 5_252])
  })

  test('a timer that rings late does not slow down all that follow', () => {
    const before = sent(proven(200), 100)
    expect(waitOf(sent(before, 107, 90), 107)).toBe(3)
    expect(waitOf(sent(before, 107, 107), 107)).toBe(5)
    expect(waitOf(sent(before, 5_000, 90), 5_000)).toBe(0)
  })

  test('a hundred take eleven seconds at ten a second, a thousand less than two minutes', () => {
    expect(run(proven(10), 100, 60).now).toBeLessThan(11_000)
    expect(run(proven(10), 1_000, 60).now).toBeLessThan(110_000)
  })

  test('one in ten seconds is one in ten seconds, throttled or not', () => {
    const slow = sent(proven(0.1), 0)
    expect(waitOf(returned(slow, 0, 50, well, 0), 50)).toBe(9_950)
    expect(waitOf(returned(slow, 0, 50, throttle, 0), 50)).toBe(9_950)
  })
})

describe('a throttle slows all', () => {
  const batch = [0, 100, 200, 300].reduce((pace, at) => sent(pace, at), proven(10))

  test('at once and for up to half a second, as the dice say', () => {
    expect(waitOf(returned(batch, 300, 350, throttle, 0), 350)).toBe(50)
    expect(waitOf(returned(batch, 300, 350, throttle, 1), 350)).toBe(500)
  })

  test('to three quarters, once for all that were out together', () => {
    let pace = returned(batch, 0, 350, throttle, 0)
    expect(pace.rate).toBe(7.5)
    for (const at of [100, 200, 300]) pace = returned(pace, at, 360 + at, throttle, 0)
    expect(pace.rate).toBe(7.5)
  })

  test('and once more where a request sent afterwards is throttled too', () => {
    const pace = sent(returned(batch, 0, 350, throttle, 0), 1_400)
    expect(returned(pace, 1_400, 1_450, throttle, 0).rate).toBe(5.625)
  })

  test('after which the next request is as far off as the dice say, between half and one and a half intervals', () => {
    const slow: Pace = { ...proven(10), rate: 0.1 }
    for (const [dice, ms] of [
      [0, 5_000],
      [0.5, 10_000],
      [1, 15_000],
    ] as const)
      expect(waitOf({ ...sent(slow, 0), stride: 0.5 + dice }, 0)).toBeCloseTo(ms)
  })

  test('recovery is gradual: fifteen successes from standstill to full speed, the slow gaining most for their size', () => {
    let pace: Pace = { ...proven(10), rate: 0.1 }
    const rates = [pace.rate]
    for (let i = 0; i < 20; i++) {
      pace = returned(sent(pace, i * 20_000), i * 20_000, i * 20_000 + 50, well, 0)
      rates.push(pace.rate)
    }
    expect(rates[1]).toBeCloseTo(0.1 + 2 / 15)
    expect(rates[12]).toBeLessThan(10)
    expect(rates[15]).toBe(10)
    expect(Math.max(...rates)).toBe(10)
  })

  test('an answer that never came is no success', () => {
    const slow: Pace = { ...proven(10), rate: 1 }
    expect(returned(sent(slow, 0), 0, 30_000, lost, 0).rate).toBe(1)
  })
})

describe('in a crowd', () => {
  /** The intervals of a server whose requests are all turned away, as the middle dice give them, and when each began. */
  function turnedAway(until: number) {
    let [pace, now] = [proven(10), 0]
    const waits: { readonly at: number; readonly ms: number }[] = []
    while (now < until) {
      pace = returned(sent(pace, now), now, now, throttle, 0.5)
      waits.push({ at: now, ms: waitOf(pace, now) })
      now += waitOf(pace, now)
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
    expect(sent(pace, now).rate).toBeCloseTo(1 / 120)
    const morning = sent(pace, now + 600_000)
    expect(morning.rate).toBe(10)
    expect(morning.crowdedSince).toBeUndefined()
  })

  test('is over when full speed has come back: the next one is measured from its own beginning', () => {
    let pace = returned(sent(proven(10), 0), 0, 50, throttle, 0)
    expect(pace.crowdedSince).toBe(50)
    for (let i = 1; pace.rate < 10; i++)
      pace = returned(sent(pace, i * 1_000), i * 1_000, i * 1_000 + 50, well, 0)
    expect(pace.crowdedSince).toBeUndefined()
  })

  test('whoever may send less than one in two minutes keeps to that', () => {
    let pace = proven(0.001)
    for (let i = 1; i < 50; i++) pace = returned(sent(pace, i * 2e6), i * 2e6, i * 2e6 + 50, throttle, 0)
    expect(pace.rate).toBeLessThanOrEqual(0.001)
    expect(waitOf(pace, 49 * 2e6)).toBeGreaterThanOrEqual(1e6)
  })
})

describe('a service that answers nobody', () => {
  /** The waits before each of the requests that meet silence, one after the other. */
  function waits(count: number, dice: number, start = proven(10)) {
    let [pace, now] = [start, 0]
    return Array.from({ length: count }, () => {
      now += waitOf(pace, now)
      const sentAt = now
      pace = sent(pace, now)
      now += 100
      pace = returned(pace, sentAt, now, silence, dice)
      return waitOf(pace, now)
    })
  }

  test('is asked ever more rarely, by all together as rarely as by one; the first silence slows nobody', () => {
    expect(waits(9, 1)).toEqual([0, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000])
    expect(waits(3, 0)).toEqual([0, 250, 500])
  })

  test('is asked at full speed again as soon as it answers one', () => {
    const pace = { ...proven(10), silences: 7, silentAt: 0 }
    const answered = returned(sent(pace, 60_000), 60_000, 60_050, throttle, 0)
    expect(answered.silences).toBe(0)
    expect(waitOf(returned(sent(pace, 60_000), 60_000, 60_050, well, 0), 60_050)).toBe(50)
  })

  test('is silent once to all that were out together', () => {
    let pace = [0, 100, 200, 300].reduce((pace, at) => sent(pace, at), proven(10))
    for (const at of [0, 100, 200, 300]) pace = returned(pace, at, 400 + at, silence, 1)
    expect(pace.silences).toBe(1)
    expect(waitOf(pace, 700)).toBe(0)
  })
})
