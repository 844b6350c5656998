/** Everything a service, a gateway and a network may do, at once and at random: each certificate is stored once. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seededDice } from '../../fixtures/dice.ts'
import { answering } from '../../http/httpServers.ts'
import { promised, SEED, times } from '../run.ts'
import { ANSWERS } from './answers.ts'
import { BREAKS } from './connectionBreaks.ts'
import { expectTold, summed } from './endurance.ts'
import { openClock } from './idleClock.ts'
import { plant } from './lineageFixtures.ts'
import { redirectsTo } from './redirects.ts'
import { densest, type Line, openFarStage, type Pass, RATE } from './serviceFixture.ts'
import { THROTTLES } from './throttles.ts'

const faultsOf = (elsewhere: string) => [...THROTTLES, ...ANSWERS, ...redirectsTo(elsewhere), ...BREAKS]

/** Requests of one certificate in a row that meet trouble; the service allows eight. */
const IN_A_ROW = 2

/** Where nearly everything goes wrong one pass gives up after 90 s; the next goes on. All they said, when one ends well. */
async function passes(sync: () => Promise<Pass>): Promise<{ readonly lines: readonly Line[] }> {
  const lines: Line[] = []
  for (let pass = 1; ; pass++) {
    const { exit, lines: said } = await sync()
    lines.push(...said)
    if (exit === 0) return { lines }
    expect(pass).toBeLessThan(8)
  }
}

test('every fault at once, each for a certificate of its own', async () => {
  const elsewhere = await answering(() => ({}))
  const faults = faultsOf(elsewhere.url)
  const forest = await plant(faults.length)
  const chains = await Promise.all(
    forest.names.map(name => readFile(join(forest.root, 'live', name, 'fullchain.pem'))),
  )
  const own = new Map(chains.map((chain, i) => [createHash('sha256').update(chain).digest('hex'), faults[i]]))
  const clock = openClock()
  const { sync, front, ledger } = await openFarStage({
    forest,
    time: clock,
    dice: seededDice(SEED),
    meet: ({ certificate, times }) => (times <= IN_A_ROW ? own.get(certificate)?.trouble : undefined),
  })
  const { lines: said } = await passes(() => clock.until(sync()))
  expect(front.met()).toBeGreaterThan(faults.length)
  for (const [i, fault] of faults.entries()) {
    const own = said.filter(({ lineage }) => lineage === `certbot:${forest.names[i]}`)
    // the last one before a pass gives up is no retry
    const lines = own.filter(({ event }) => event === 'retry' || event === 'failed')
    if (fault.code) expect(lines.length).toBeGreaterThanOrEqual(IN_A_ROW)
    else expect(lines.filter(({ event }) => event === 'retry')).toEqual([])
    expectTold(
      own.filter(({ event }) => event === 'retry'),
      fault,
    )
  }
  expect(densest(front.arrivals)).toBeLessThanOrEqual(RATE)
  expect(elsewhere.asked).toEqual([])
  promised({
    fault: 'every answer and break',
    how: 'at once, each for a certificate of its own',
    runs: faults.length,
    ...(await ledger()),
  })
})

const MIXED = { fault: 'every answer and break', how: 'at random: half of all requests' } as const

test('faults at random: passes are made until all is well, and all is well soon', async () => {
  const elsewhere = await answering(() => ({}))
  const faults = faultsOf(elsewhere.url)
  const forest = await plant(times(12, 40))
  const dice = seededDice(SEED)
  const rounds = times(1, 20)
  const sum = await summed(rounds, async () => {
    const clock = openClock()
    const meet = () => (dice() < 0.5 ? faults[Math.floor(dice() * faults.length)]?.trouble : undefined)
    const { sync, front, ledger } = await openFarStage({ forest, time: clock, dice, meet })
    await passes(() => clock.until(sync()))
    expect(densest(front.arrivals)).toBeLessThanOrEqual(RATE)
    return ledger()
  })
  expect(elsewhere.asked).toEqual([])
  promised({ ...MIXED, runs: rounds * forest.names.length, ...sum })
})
