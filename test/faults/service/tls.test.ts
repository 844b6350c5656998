/** A far end that cannot prove who it is, or does not speak TLS at all: it gets nothing, and the next one that can gets all. */
import { createServer as createSecureServer } from 'node:https'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededDice } from '../../fixtures/dice.ts'
import { promised, SEED, times } from '../run.ts'
import { BAD_ENDS, type BadEnd, overheard, own } from './badServers.ts'
import { chosen, expectTold, summed } from './endurance.ts'
import { openClock } from './idleClock.ts'
import { type Forest, plant } from './lineageFixtures.ts'
import type { Ledger } from './results.ts'
import { openFarStage } from './serviceFixture.ts'

const dice = seededDice(SEED)
const trusted = getCACertificates('default')
let forest: Forest

beforeAll(async () => {
  forest = await plant(times(2, 12))
  setDefaultCACertificates([...trusted, own.root])
})
afterAll(() => setDefaultCACertificates(trusted))

/** Certificates try three times to reach an end that cannot prove itself: one that mends within two is reached. */
const WITHIN = 3

async function once({ greet, says }: BadEnd): Promise<Ledger> {
  const clock = openClock()
  let bad = Number.POSITIVE_INFINITY
  const { sync, front, ledger } = await openFarStage({
    forest,
    time: clock,
    dice,
    host: listener => createSecureServer({ cert: own.chain, key: own.key }, listener),
    endpoint: port => `https://localhost:${port}`,
    greet: socket => {
      if (bad-- <= 0) return false
      void greet(socket)
      return true
    },
  })
  const first = await clock.until(sync())
  expect(first.exit).toBe(75)
  const failed = first.said('failed')[0]
  expect(failed).toMatchObject({ level: 'error', msg: expect.stringMatching(says) })
  expectTold(first.lines, { code: failed?.code as 'TLS' | 'NETWORK' })
  expect(front.arrivals).toEqual([])

  bad = Math.floor(dice() * WITHIN)
  expect((await clock.until(sync())).exit).toBe(0)
  expect(front.arrivals).toHaveLength(forest.names.length)
  return ledger()
}

test.each(chosen(BAD_ENDS, dice))('$fault', async end => {
  const rounds = times(1, 2)
  const sum = await summed(rounds, () => once(end))
  expect(overheard).toEqual([])
  promised({ fault: end.fault, how: end.how, runs: rounds * forest.names.length, ...sum })
})
