/** One fault met by many certificates: first without end, then for a while, then no more. What is said each time, and what has arrived. */
import { expect } from 'vitest'
import { LONG, promised } from '../run.ts'
import { openClock } from './idleClock.ts'
import type { Forest } from './lineageFixtures.ts'
import type { Ledger } from './results.ts'
import type { FarFault } from './serviceFaults.ts'
import { densest, openFarStage, type Pass, RATE } from './serviceFixture.ts'

/** Every line that tells of the fault names it, and what to do. */
export function expectTold(
  lines: Pass['lines'],
  { code, apiCode }: Pick<FarFault, 'code' | 'apiCode'>,
): void {
  for (const line of lines.filter(({ event }) => event === 'retry' || event === 'failed')) {
    expect(line).toMatchObject({ code, advice: expect.stringMatching(/^[A-Z].+\.$/) })
    if (apiCode) expect(line).toMatchObject({ apiCode, msg: expect.stringContaining(apiCode) })
  }
}

async function once(fault: FarFault, forest: Forest, dice: () => number): Promise<Ledger> {
  const clock = openClock()
  let until = Number.POSITIVE_INFINITY
  const meet = () => (clock.monotonic() < until ? fault.trouble : undefined)
  const { sync, front, ledger } = await openFarStage({ forest, time: clock, dice, meet })

  const first = await clock.until(sync())
  expect(first.exit).toBe(fault.code ? 75 : 0)
  expectTold(first.lines, fault)
  if (fault.code) {
    expect(first.said('retry').filter(({ level }) => level === 'info')).toHaveLength(1)
    expect(first.said('failed').filter(({ level }) => level === 'error').length).toBeGreaterThan(0)
  }
  const before = front.met()
  until = clock.monotonic() + dice() * LONGEST
  const second = await clock.until(sync())
  expect(second.exit).toBe(0)
  expectTold(second.lines, fault)
  if (fault.code) expect(second.said('retry')).toHaveLength(front.met() - before)

  const requests = front.arrivals.length
  expect((await clock.until(sync())).exit).toBe(0)
  expect(front.arrivals).toHaveLength(requests)
  expect(densest(front.arrivals)).toBeLessThanOrEqual(RATE)
  return ledger()
}

/** What lasts longer than a pass is patient is met by the first pass of each run. In milliseconds. */
const LONGEST = 30_000

/** All of them in a long run; in a short one so many, which the dice choose. */
export const chosen = <T>(faults: readonly T[], dice: () => number, count = 3): readonly T[] =>
  LONG
    ? faults
    : faults
        .map(fault => ({ fault, lot: dice() }))
        .sort((a, b) => a.lot - b.lot)
        .slice(0, count)
        .map(({ fault }) => fault)

/** Runs so often; what was lost, duplicated and leaked in all of it. */
export async function summed(times: number, run: () => Promise<Ledger>): Promise<Ledger> {
  const sum = { lost: 0, duplicated: 0, leaked: 0 }
  for (let i = 0; i < times; i++) {
    const { lost, duplicated, leaked } = await run()
    sum.lost += lost
    sum.duplicated += duplicated
    sum.leaked += leaked
  }
  return sum
}

/** Tries the fault so many times, leaves its row, and holds it to the promise. */
export async function endure(
  fault: FarFault,
  { forest, times, dice }: { readonly forest: Forest; readonly times: number; readonly dice: () => number },
): Promise<void> {
  const sum = await summed(times, () => once(fault, forest, dice))
  promised({ fault: fault.fault, how: fault.how, runs: times * forest.names.length, ...sum })
}
