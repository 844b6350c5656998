/** A year of rescans where clocks are changed twice a year, in processes whose zone is TZ. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { expect, test } from 'vitest'
import { DEFAULT_RESCAN } from '../../../src/config/precedence.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const [FROM, UNTIL] = ['2026-01-01T00:00:01Z', '2027-01-01T00:00:01Z']

// the clocks change by half an hour at Lord Howe, and go back for the month of Ramadan at Casablanca
test.each<[string, string, number, string]>([
  ['Europe/Berlin', '30 1 * * *', 24 * HOUR, '2026-01-01T01:30Z'],
  ['Australia/Lord_Howe', DEFAULT_RESCAN, 6 * HOUR, '2026-01-01T00:17Z'],
  ['Africa/Casablanca', '30 * * * *', HOUR, '2026-01-01T00:30Z'],
  ['America/New_York', '0 6 * * *', 24 * HOUR, '2026-01-01T06:00Z'],
  ['Pacific/Auckland', '15 */2 * * *', 2 * HOUR, '2026-01-01T00:15Z'],
])('in %s "%s" calls at its times for a year, and sets no timer in vain', (zone, rescan, interval, first) => {
  const args = [join(import.meta.dirname, 'scheduleProcess.ts'), rescan, FROM, UNTIL]
  const { stdout, stderr } = spawnSync(execPath, args, { encoding: 'utf8', env: { TZ: zone } })
  expect(stderr).toBe('')
  const { calls, timers, timeZone } = JSON.parse(stdout)
  expect(timeZone).toBe(zone)
  // one for each call, and one a minute to compare the clocks
  expect(timers).toBeLessThanOrEqual(calls.length + (Date.parse(UNTIL) - Date.parse(FROM)) / MINUTE)
  const length = Math.floor((Date.parse(UNTIL) - Date.parse(first)) / interval) + 1
  expect(calls).toEqual(Array.from({ length }, (_, i) => Date.parse(first) + i * interval))
})
