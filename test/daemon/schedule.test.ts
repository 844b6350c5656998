import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { DEFAULT_RESCAN } from '../../src/config/precedence.ts'
import { scheduleProblem } from '../../src/config/schedule.ts'
import { createSchedule } from '../../src/daemon/rescan.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

test.each([DEFAULT_RESCAN, '*/5 * * * *', '30 4 * * 1-5', '*/10 * * * * *'])(
  '"%s" is a schedule',
  expression => {
    expect(scheduleProblem(expression)).toBeUndefined()
  },
)

test.each(['', 'often', '61 * * * *', '* * *', '17 */6 * * * * *', '0 0 30 2 *', '1-99999999 * * * *'])(
  '"%s" is no schedule',
  expression => {
    expect(scheduleProblem(expression)).toContain('expected a cron expression')
  },
)

describe('schedule', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  function openSchedule(start: string, rescan = '17 */6 * * *', rescanJitter = 0) {
    vi.setSystemTime(start)
    const onDue = vi.fn()
    const schedule = createSchedule({ rescan, rescanJitter }, onDue)
    onTestFinished(() => schedule.stop())
    return { schedule, calls: () => onDue.mock.calls.length }
  }

  test('it calls at its times until it is stopped', async () => {
    const { schedule, calls } = openSchedule('2026-06-01T12:00Z')
    expect(schedule.next()).toEqual(new Date('2026-06-01T12:17Z'))
    await vi.advanceTimersByTimeAsync(18 * MINUTE)
    expect(calls()).toBe(1)
    expect(schedule.next()).toEqual(new Date('2026-06-01T18:17Z'))
    await vi.advanceTimersByTimeAsync(24 * HOUR)
    expect(calls()).toBe(5)
    schedule.stop()
    await vi.advanceTimersByTimeAsync(24 * HOUR)
    expect([calls(), vi.getTimerCount()]).toEqual([5, 0])
  })

  test.each(['2025', '2027'])(
    'it calls when the clock is set to %s, and then at the times of the new clock',
    async year => {
      const { schedule, calls } = openSchedule('2026-06-01T12:00Z')
      vi.setSystemTime(`${year}-06-01T12:00Z`)
      await vi.advanceTimersByTimeAsync(MINUTE)
      expect(calls()).toBe(1)
      expect(schedule.next()).toEqual(new Date(`${year}-06-01T12:17Z`))
      await vi.advanceTimersByTimeAsync(16 * MINUTE)
      expect(calls()).toBe(2)
      await vi.advanceTimersByTimeAsync(24 * HOUR)
      expect(calls()).toBe(6)
    },
  )

  test('in a busy process it calls late, and once', async () => {
    const { schedule, calls } = openSchedule('2026-06-01T12:16:30Z')
    vi.setSystemTime(Date.now() + 4_000)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(calls()).toBe(1)
    expect(schedule.next()).toEqual(new Date('2026-06-01T18:17Z'))
  })

  test('a clock that is slewed is not one that is set', async () => {
    const { calls } = openSchedule('2026-06-01T12:30Z')
    for (let minute = 0; minute < 240; minute++) {
      vi.setSystemTime(Date.now() - 30) // 500 ppm, the fastest that adjtimex(2) slews
      await vi.advanceTimersByTimeAsync(MINUTE)
    }
    expect(calls()).toBe(0)
  })

  test('a call is delayed by the jitter, and does not come after the stop', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const { schedule, calls } = openSchedule('2026-06-01T12:00Z', '0 13 * * *', 600)
    await vi.advanceTimersByTimeAsync(64 * MINUTE)
    expect(calls()).toBe(0)
    await vi.advanceTimersByTimeAsync(2 * MINUTE)
    expect(calls()).toBe(1)
    await vi.advanceTimersByTimeAsync(23 * HOUR - 4 * MINUTE)
    schedule.stop()
    await vi.advanceTimersByTimeAsync(HOUR)
    expect(calls()).toBe(1)
  })

  test('a jitter that is longer than the interval leaves no timer behind', async () => {
    const { schedule, calls } = openSchedule('2026-06-01T12:00Z', '* * * * *', 3600)
    await vi.advanceTimersByTimeAsync(10 * MINUTE)
    schedule.stop()
    const before = calls()
    await vi.advanceTimersByTimeAsync(2 * HOUR)
    expect([calls() - before, vi.getTimerCount()]).toEqual([0, 0])
  })
})
