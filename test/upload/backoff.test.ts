import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import { delayAfter, MAX_ATTEMPTS } from '../../src/upload/retry.ts'

const unwell = new Fault('API_UNAVAILABLE', 'x')
const throttled = new Fault('API_THROTTLED', 'x')
const range = (made: number, fault: Fault) => [delayAfter(made, fault, 0), delayAfter(made, fault, 1)]

describe('half of a pause is certain, half is thrown', () => {
  test.each([
    [1, 250, 500],
    [2, 500, 1_000],
    [3, 1_000, 2_000],
    [6, 8_000, 16_000],
    [7, 15_000, 30_000],
  ])('after %i attempts %i to %i ms', (made, least, most) => {
    expect(range(made, unwell)).toEqual([least, most])
  })

  test('whatever the dice, never less than half and never more than half a minute', () => {
    const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_ATTEMPTS - 1 }), dice, (made, roll) => {
        const [least = 0, most = 0] = range(made, unwell)
        const ms = delayAfter(made, unwell, roll) ?? 0
        expect(ms).toBeGreaterThanOrEqual(least)
        expect(ms).toBeLessThanOrEqual(Math.min(most, 30_000))
        expect(most).toBe(2 * least)
      }),
    )
  })
})

describe('a throttle', () => {
  test('is not waited for here: the pace says when there is room', () => {
    expect(range(1, throttled)).toEqual([0, 0])
    expect(range(MAX_ATTEMPTS - 1, throttled)).toEqual([0, 0])
  })

  test('that is the last of a whole row ends it', () => {
    expect(delayAfter(0, new Fault('API_THROTTLED', 'x', { tries: 0 }), 0)).toBeUndefined()
  })
})

describe('it ends', () => {
  test('after eight attempts', () => {
    expect(delayAfter(MAX_ATTEMPTS - 1, unwell, 0)).toBeDefined()
    expect(delayAfter(MAX_ATTEMPTS, unwell, 0)).toBeUndefined()
    expect(delayAfter(MAX_ATTEMPTS + 1, unwell, 0)).toBeUndefined()
  })

  test('after three where the answer may or may not be temporary', () => {
    const unclear = new Fault('API_UNKNOWN_ERROR', 'x')
    expect(delayAfter(2, unclear, 0)).toBe(500)
    expect(delayAfter(3, unclear, 0)).toBeUndefined()
  })

  test('at once where waiting fixes nothing', () => {
    for (const code of [
      'API_REJECTED',
      'API_CLOCK',
      'API_CREDENTIALS',
      'KEY_MISMATCH',
      'INTERNAL_ERROR',
    ] as const)
      expect(delayAfter(1, new Fault(code, 'x'), 0)).toBeUndefined()
  })

  test('all pauses together are a minute and a half at most', () => {
    const pauses = Array.from({ length: MAX_ATTEMPTS }, (_, i) => delayAfter(i + 1, unwell, 1) ?? 0)
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(92_000)
  })
})
