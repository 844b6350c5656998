import { describe, expect, test } from 'vitest'
import { createExpiryWarnings, isLate, isOverdue, overdueAdvice } from '../../src/certificate/expiry.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** A certificate of so many days, issued at 0. */
const life = (days: number, from = 0) => ({
  notBefore: new Date(from),
  notAfter: new Date(from + days * DAY),
})

test.each([
  [90, 60],
  [45, 30],
  [6, 4],
])('of %i days a renewal is overdue after %i', (days, after) => {
  expect(isOverdue(life(days), 0)).toBe(false)
  expect(isOverdue(life(days), after * DAY)).toBe(false)
  expect(isOverdue(life(days), after * DAY + 1)).toBe(true)
  expect(isOverdue(life(days), (days + 1) * DAY)).toBe(true)
})

// certbot's timer looks twice a day, at a random moment of each half; acme.sh's once
test.each([
  [90, 60, 24],
  [45, 30, 24],
  [6, 4, 4.8],
])(
  'of %i days, overdue after %i, a client may be about to renew it for %f hours more',
  (days, after, hours) => {
    const end = after * DAY + hours * HOUR
    expect([isLate(life(days), end), isLate(life(days), end + 1)]).toEqual([false, true])
    expect(overdueAdvice(life(days), end)).toMatch(/^ACME clients renew about now/)
    expect(overdueAdvice(life(days), end + 1)).toBe('See what the ACME client last logged.')
  },
)

describe('the warning', () => {
  test.each([90, 45, 6])(
    'of a certificate of %i days comes once a day, however often it is checked',
    days => {
      const { shouldWarn } = createExpiryWarnings()
      const warned: number[] = []
      for (let hour = 0; hour < days * 24; hour++)
        if (shouldWarn('a', life(days), hour * HOUR)) warned.push(hour)
      const first = days * 16 + 1
      expect(warned).toEqual(Array.from({ length: days / 3 }, (_, day) => first + day * 24))
    },
  )

  test('does not wait for a clock that was set back to be where it was', () => {
    const { shouldWarn } = createExpiryWarnings()
    expect(shouldWarn('a', life(90), 89 * DAY)).toBe(true)
    expect(shouldWarn('a', life(90), 89 * DAY - HOUR)).toBe(false)
    expect(shouldWarn('a', life(90), 70 * DAY)).toBe(true)
  })

  test('comes once each day with rescans that are early on one day and late on the next', () => {
    const { shouldWarn } = createExpiryWarnings()
    const jitters = [10, 2, 14, 0, 7, 1, 12, 3, 15, 4]
    const warned = Array.from({ length: 40 }, (_, sweep) => {
      const now = 61 * DAY + sweep * 6 * HOUR + (jitters[sweep % jitters.length] ?? 0) * 60_000
      return shouldWarn('a', life(90), now) ? [sweep] : []
    }).flat()
    expect(warned).toEqual([0, 4, 8, 12, 16, 20, 24, 28, 32, 36])
  })

  test('of one certificate says nothing of another', () => {
    const { shouldWarn } = createExpiryWarnings()
    expect(shouldWarn('a', life(6), 5 * DAY)).toBe(true)
    expect(shouldWarn('b', life(6), 5 * DAY)).toBe(true)
  })

  test('comes again at once when a renewed certificate falls due anew', () => {
    const { shouldWarn } = createExpiryWarnings()
    expect(shouldWarn('a', life(6), 5 * DAY)).toBe(true)
    const renewed = life(0.1, 5 * DAY)
    expect(shouldWarn('a', renewed, 5 * DAY + HOUR)).toBe(false)
    expect(shouldWarn('a', renewed, 5 * DAY + 2 * HOUR)).toBe(true)
  })
})
