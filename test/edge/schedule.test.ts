import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { DEFAULT_SWEEP } from '../../src/core/choices.ts'
import { openSchedule, sweepProblem } from '../../src/edge/schedule.ts'

test.each([DEFAULT_SWEEP, '*/5 * * * *', '30 4 * * 1-5', '*/10 * * * * *'])(
  '"%s" is a schedule',
  expression => {
    expect(sweepProblem(expression)).toBeUndefined()
  },
)

test.each(['', 'often', '61 * * * *', '* * *', '17 */6 * * * * *', '0 0 30 2 *', '1-99999999 * * * *'])(
  '"%s" is none',
  expression => {
    expect(sweepProblem(expression)).toContain('expected a cron expression')
  },
)

describe('a schedule', () => {
  afterEach(() => vi.useRealTimers())

  test('rings at its times until it is stopped', async () => {
    vi.useFakeTimers({ now: new Date(2026, 5, 1, 12, 0, 0) })
    const ring = vi.fn()
    const schedule = openSchedule({ sweep: '17 */6 * * *', jitterSeconds: 0 }, ring)
    expect(schedule.next()).toEqual(new Date(2026, 5, 1, 12, 17))
    await vi.advanceTimersByTimeAsync(18 * 60_000)
    expect(ring).toHaveBeenCalledTimes(1)
    expect(schedule.next()).toEqual(new Date(2026, 5, 1, 18, 17))
    await vi.advanceTimersByTimeAsync(24 * 3_600_000)
    expect(ring).toHaveBeenCalledTimes(5)
    schedule.stop()
    await vi.advanceTimersByTimeAsync(24 * 3_600_000)
    expect(ring).toHaveBeenCalledTimes(5)
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([
    ['back', 2025],
    ['forward', 2027],
  ])('rings when the clock is set %s a year, and then at its times by the new clock', async (_, year) => {
    vi.useFakeTimers({ now: new Date(2026, 5, 1, 12, 0, 0) })
    const ring = vi.fn()
    const schedule = openSchedule({ sweep: '17 */6 * * *', jitterSeconds: 0 }, ring)
    onTestFinished(() => schedule.stop())
    vi.setSystemTime(new Date(year, 5, 1, 12, 0, 0))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(ring).toHaveBeenCalledTimes(1)
    expect(schedule.next()).toEqual(new Date(year, 5, 1, 12, 17))
    await vi.advanceTimersByTimeAsync(16 * 60_000)
    expect(ring).toHaveBeenCalledTimes(2)
    await vi.advanceTimersByTimeAsync(24 * 3_600_000)
    expect(ring).toHaveBeenCalledTimes(6)
  })

  test('rings late where the process was too busy to ring in time, once', async () => {
    vi.useFakeTimers({ now: new Date(2026, 5, 1, 12, 16, 30) })
    const ring = vi.fn()
    const schedule = openSchedule({ sweep: '17 */6 * * *', jitterSeconds: 0 }, ring)
    onTestFinished(() => schedule.stop())
    vi.setSystemTime(Date.now() + 4_000)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(ring).toHaveBeenCalledTimes(1)
    expect(schedule.next()).toEqual(new Date(2026, 5, 1, 18, 17))
  })

  test('takes no slewing for setting', async () => {
    vi.useFakeTimers({ now: new Date(2026, 5, 1, 12, 30, 0) })
    const ring = vi.fn()
    const schedule = openSchedule({ sweep: '17 */6 * * *', jitterSeconds: 0 }, ring)
    onTestFinished(() => schedule.stop())
    for (let minute = 0; minute < 240; minute++) {
      vi.setSystemTime(Date.now() - 30) // 500 ppm, the fastest that adjtimex(2) slews
      await vi.advanceTimersByTimeAsync(60_000)
    }
    expect(ring).not.toHaveBeenCalled()
  })

  test('is spread by its jitter, and a ring that was put off does not come after the stop', async () => {
    vi.useFakeTimers({ now: new Date(2026, 5, 1, 12, 0, 0) })
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const ring = vi.fn()
    const schedule = openSchedule({ sweep: '0 13 * * *', jitterSeconds: 600 }, ring)
    await vi.advanceTimersByTimeAsync(64 * 60_000)
    expect(ring).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(2 * 60_000)
    expect(ring).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(23 * 3_600_000 - 4 * 60_000)
    schedule.stop()
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(ring).toHaveBeenCalledTimes(1)
    vi.restoreAllMocks()
  })
})
