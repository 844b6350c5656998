/**
 * A schedule in a process of its own, whose zone is TZ: node-cron keeps the first zone that it uses. The clock jumps from timer
 * to timer. Arguments: the schedule, the first instant and the last. Prints the calls, the number of timers, and the zone.
 */
import { argv, stdout } from 'node:process'
import { createSchedule } from '../../../src/daemon/rescan.ts'

const [rescan = '', from = '', until = ''] = argv.slice(2)
const start = Date.parse(from)
let now = start

const Time = Date
class Simulated extends Time {
  constructor(...words: [] | [number]) {
    super(words[0] ?? now)
  }
  static override now = () => now
}

let timer: { readonly at: number; readonly call: () => void } | undefined
Object.assign(globalThis, {
  Date: Object.assign(Simulated, { UTC: Time.UTC, parse: Time.parse }),
  setTimeout: (call: () => void, ms: number) => {
    timer = { at: now + Math.max(1, ms), call }
    return timer
  },
  clearTimeout: () => {
    timer = undefined
  },
})
performance.now = () => now - start

const calls: number[] = []
const schedule = createSchedule({ rescan, rescanJitter: 0 }, () => void calls.push(now))
let timers = 0
/** More than one a minute for a year. */
const MAX_TIMERS = 600_000
for (; timer && timer.at <= Time.parse(until) && timers < MAX_TIMERS; timers++) {
  const { at, call } = timer
  now = at
  call()
}
schedule.stop()
const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
stdout.write(JSON.stringify({ calls, timers, timeZone }))
