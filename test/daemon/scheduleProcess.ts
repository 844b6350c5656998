/**
 * A schedule in a process of its own, whose zone is TZ: node-cron keeps the first that it meets. Its clock passes from timer
 * to timer. Arguments: the schedule, the first instant and the last. Prints the rings, how many timers rang, and the zone.
 */
import { argv, stdout } from 'node:process'
import { createSchedule } from '../../src/daemon/rescan.ts'

const [sweep = '', from = '', until = ''] = argv.slice(2)
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

const rings: number[] = []
const schedule = createSchedule({ rescan: sweep, rescanJitter: 0 }, () => void rings.push(now))
let timers = 0
/** More than one a minute for a year: set in vain. */
const ENOUGH = 600_000
for (; timer && timer.at <= Time.parse(until) && timers < ENOUGH; timers++) {
  const { at, call } = timer
  now = at
  call()
}
schedule.stop()
const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
stdout.write(JSON.stringify({ rings, timers, timeZone }))
