import { expect, test } from 'vitest'
import { type BreakerState, CLOSED, isOpen, trip } from '../../src/daemon/circuitBreaker.ts'

const MINUTE = 60_000

test('uploads rest for 15 minutes, then twice as long each time, at most six hours', () => {
  let pause: BreakerState = CLOSED
  let now = 0
  const rests = Array.from({ length: 8 }, () => {
    pause = trip(pause, now)
    const rest = pause.until - now
    now = pause.until
    return rest / MINUTE
  })
  expect(rests).toEqual([15, 30, 60, 120, 240, 360, 360, 360])
})

test('faults that meet a pause already begun make it no longer', () => {
  const pause = trip(CLOSED, 0)
  expect(trip(pause, 1)).toBe(pause)
  expect(trip(pause, 15 * MINUTE - 1)).toBe(pause)
  expect(trip(pause, 15 * MINUTE)).toEqual({ until: 45 * MINUTE, faults: 2 })
})

test('a clock that is set back a year makes no rest of a year', () => {
  const pause = trip(CLOSED, 0)
  expect(isOpen(pause, 0)).toBe(true)
  expect(isOpen(pause, -365 * 24 * 60 * MINUTE)).toBe(false)
  expect(trip(pause, -365 * 24 * 60 * MINUTE).faults).toBe(2)
})

test('however many faults there were, the longest rest is six hours', () => {
  expect(trip({ until: 0, faults: 5_000 }, 0).until).toBe(360 * MINUTE)
})
