/**
 * Stalls at every step of a request, and for as long as the program waits for real: nothing hangs, nothing is stored
 * twice. They run side by side, for each takes ten seconds or thirty.
 */
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sleep } from '../../../src/util/async.ts'
import { seededDice } from '../../fixtures/dice.ts'
import { LONG, promised, SEED, times } from '../run.ts'
import { own } from './badServers.ts'
import { expectTold } from './endurance.ts'
import { plant } from './lineageFixtures.ts'
import { openFarStage, type Time } from './serviceFixture.ts'
import { DEAFNESS, ENDLESS, STALLS, type Stall } from './stalls.ts'

const REALLY: Time = { wait: sleep, monotonic: () => performance.now(), now: Date.now }

const trusted = getCACertificates('default')
beforeAll(() => setDefaultCACertificates([...trusted, own.root]))
afterAll(() => setDefaultCACertificates(trusted))

async function endured({ fault, how, says, wishes }: Stall): Promise<void> {
  const forest = await plant(times(3, 10))
  const stage = await openFarStage({ forest, time: REALLY, dice: seededDice(SEED), ...(await wishes()) })
  const pass = await stage.sync()
  expect(pass.exit).toBe(0)
  const retries = pass.said('retry')
  if (says) expect(retries.length).toBeGreaterThanOrEqual(Math.max(1, stage.front.met()))
  else expect(retries).toEqual([])
  for (const line of retries) expect(line.msg).toContain(says)
  expectTold(pass.lines, { code: 'TIMEOUT' })
  promised({ fault, how, runs: forest.names.length, ...(await stage.ledger()) })
}

test('stalls, each for a while', { timeout: 120_000 }, async () => {
  await Promise.all([...STALLS, DEAFNESS, ...(LONG ? ENDLESS : [])].map(endured))
})
