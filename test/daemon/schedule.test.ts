import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { scheduleProblem } from '../../src/config/load.ts'
import { DEFAULT_RESCAN } from '../../src/config/precedence.ts'
import { createSchedule } from '../../src/daemon/rescan.ts'

test.each([DEFAULT_RESCAN, '*/5 * * * *', '30 4 * * 1-5', '*/10 * * * * *'])(
  '"%s" is a schedule',
  expression => {
    expect(scheduleProblem(expression)).toBeUndefined()
  },
)

test.each(['', 'often', '61 * * * *', '* * *', '17 */6 * * * * *', '0 0 30 2 *', '1-99999999 * * * *'])(
  '"%s" is none',
  expression => {
    expect(scheduleProblem(expression)).toContain('expected a cron expression')
  },
)

describe('a schedule', () => {
  afterEach(() => vi.useRealTimers())

  test('rings at its times until it is stopped', async () => {
    vi.useFakeTimers({ now: new Date(Date.UTC(2026, 5, 1, 12, 0, 0)) })
    const ring = vi.fn()
    const schedule = createSchedule({ rescan: '17 */6 * * *', rescanJitter: 0 }, ring)
    expect(schedule.next()).toEqual(new Date(Date.UTC(2026, 5, 1, 12, 17)))
    await vi.advanceTimersByTimeAsync(18 * 60_000)
    expect(ring).toHaveBeenCalledTimes(1)
    expect(schedule.next()).toEqual(new Date(Date.UTC(2026, 5, 1, 18, 17)))
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
    vi.useFakeTimers({ now: new Date(Date.UTC(2026, 5, 1, 12, 0, 0)) })
    const ring = vi.fn()
    const schedule = createSchedule({ rescan: '17 */6 * * *', rescanJitter: 0 }, ring)
    onTestFinished(() => schedule.stop())
    vi.setSystemTime(new Date(Date.UTC(year, 5, 1, 12, 0, 0)))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(ring).toHaveBeenCalledTimes(1)
    expect(schedule.next()).toEqual(new Date(Date.UTC(year, 5, 1, 12, 17)))
    await vi.advanceTimersByTimeAsync(16 * 60_000)
    expect(ring).toHaveBeenCalledTimes(2)
    await vi.advanceTimersByTimeAsync(24 * 3_600_000)
    expect(ring).toHaveBeenCalledTimes(6)
  })

  test('rings late where the process was too busy to ring in time, once', async () => {
    vi.useFakeTimers({ now: new Date(Date.UTC(2026, 5, 1, 12, 16, 30)) })
    const ring = vi.fn()
    const schedule = createSchedule({ rescan: '17 */6 * * *', rescanJitter: 0 }, ring)
    onTestFinished(() => schedule.stop())
    vi.setSystemTime(Date.now() + 4_000)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(ring).toHaveBeenCalledTimes(1)
    expect(schedule.next()).toEqual(new Date(Date.UTC(2026, 5, 1, 18, 17)))
  })

  test('takes no slewing for setting', async () => {
    vi.useFakeTimers({ now: new Date(Date.UTC(2026, 5, 1, 12, 30, 0)) })
    const ring = vi.fn()
    const schedule = createSchedule({ rescan: '17 */6 * * *', rescanJitter: 0 }, ring)
    onTestFinished(() => schedule.stop())
    for (let minute = 0; minute < 240; minute++) {
      vi.setSystemTime(Date.now() - 30) // 500 ppm, the fastest that adjtimex(2) slews
      await vi.advanceTimersByTimeAsync(60_000)
    }
    expect(ring).not.toHaveBeenCalled()
  })

  test('is spread by its jitter, and a ring that was put off does not come after the stop', async () => {
    vi.useFakeTimers({ now: new Date(Date.UTC(2026, 5, 1, 12, 0, 0)) })
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const ring = vi.fn()
    const schedule = createSchedule({ rescan: '0 13 * * *', rescanJitter: 600 }, ring)
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

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Half an hour at Lord Howe; at Casablanca the clocks go back for the month of Ramadan. */
const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'America/St_Johns',
]

describe.each(ZONES)('in %s, where the clocks are changed,', zone => {
  function over(sweep: string, from: string, until: string) {
    const words = [join(import.meta.dirname, 'scheduleProcess.ts'), sweep, from, until]
    const { stdout, stderr } = spawnSync(execPath, words, { encoding: 'utf8', env: { TZ: zone } })
    expect(stderr).toBe('')
    const { rings, timers, timeZone } = JSON.parse(stdout)
    expect(timeZone).toBe(zone)
    // one for each ring, and one a minute to look at the clock
    expect(timers).toBeLessThanOrEqual(rings.length + (Date.parse(until) - Date.parse(from)) / MINUTE)
    return rings as readonly number[]
  }
  const every = (ms: number, first: string, until: string) => {
    const length = Math.floor((Date.parse(until) - Date.parse(first)) / ms) + 1
    return Array.from({ length }, (_, i) => Date.parse(first) + i * ms)
  }

  test.each<[string, number, string]>([
    [DEFAULT_RESCAN, 6 * HOUR, '2026-01-01T00:17Z'],
    ['30 1 * * *', 24 * HOUR, '2026-01-01T01:30Z'],
    ['30 * * * *', HOUR, '2026-01-01T00:30Z'],
  ])('"%s" rings at its times for a year, late at none, and sets no timer in vain', (sweep, ms, first) => {
    const [from, until] = ['2026-01-01T00:00:01Z', '2027-01-01T00:00:01Z']
    expect(over(sweep, from, until)).toEqual(every(ms, first, until))
  })
})

test('a schedule with a longer jitter than its steps leaves no timer behind', async () => {
  vi.useFakeTimers({ now: new Date(Date.UTC(2026, 5, 1, 12, 0, 0)) })
  const ring = vi.fn()
  const schedule = createSchedule({ rescan: '* * * * *', rescanJitter: 3600 }, ring)
  await vi.advanceTimersByTimeAsync(10 * 60_000)
  schedule.stop()
  ring.mockClear()
  await vi.advanceTimersByTimeAsync(120 * MINUTE)
  expect([ring.mock.calls.length, vi.getTimerCount()]).toEqual([0, 0])
  vi.useRealTimers()
})
