/** The built program in real time, with faults at a third of its requests: never faster than the pace, and all is well in the end. */
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { execPath, stdout } from 'node:process'
import { expect, onTestFinished, test } from 'vitest'
import { startEmulator } from '../../../src/emulator/server.ts'
import { sleep } from '../../../src/util/async.ts'
import { run, SYSTEM_PATH } from '../../e2e/child.ts'
import { MAIN } from '../../e2e/program.ts'
import { seededDice } from '../../fixtures/dice.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { promised, SEED, times } from '../run.ts'
import { ANSWERS } from './answers.ts'
import { BREAKS } from './connectionBreaks.ts'
import { give, openFront, type Trouble } from './faultInjectingProxy.ts'
import { plant } from './lineageFixtures.ts'
import { ACCOUNTS, KEYS, ledgerOf } from './results.ts'
import { densest, placesOf, RATE } from './serviceFixture.ts'
import { THROTTLES } from './throttles.ts'

const FAULTS = [...THROTTLES, ...ANSWERS, ...BREAKS]
const dice = seededDice(SEED)

/** The service at its distance, up to 200 ms: what arrives later than 250 is beyond what the pace reckons with (core/pace.ts). */
const distant =
  (trouble: Trouble | undefined): Trouble =>
  async exchange => {
    await sleep(dice() * 200)
    if (trouble) await trouble(exchange)
    else give(exchange.response, await exchange.carryOut())
  }

test('faults at a third of all requests', { timeout: 300_000 }, async () => {
  const forest = await plant(times(12, 150))
  const emulator = await startEmulator({ accounts: ACCOUNTS, rate: RATE, dice })
  onTestFinished(emulator.close)
  const front = await openFront({
    service: emulator.url,
    meet: () => distant(dice() < 1 / 3 ? FAULTS[Math.floor(dice() * FAULTS.length)]?.trouble : undefined),
  })
  onTestFinished(front.close)
  const stateDir = join(await temporaryDirectory(), 'state')
  const words = placesOf({ forest, stateDir, endpoint: `http://127.0.0.1:${front.port}` })
  const env = { ...KEYS, PATH: SYSTEM_PATH }
  const delay = monitorEventLoopDelay()
  delay.enable()
  let heard = ''
  for (let pass = 1; ; pass++) {
    const { code, stdout, stderr } = await run(execPath, [MAIN, 'sync', ...words], env)
    heard += stdout + stderr
    if (code === 0) break
    expect([code, pass < 6]).toEqual([75, true])
  }
  delay.disable()
  const late = Math.round(delay.max / 1e6)
  // what is seen late here seems to have come closer to what follows, and so may what waited longest for its answer
  const most = densest(front.arrivals, 1_000 - Math.min(late, 250))
  stdout.write(
    `  ${front.arrivals.length} requests, at most ${most} in a second; seen up to ${late} ms late\n`,
  )
  expect(most).toBeLessThanOrEqual(RATE)
  // before the quickest way has been seen one may come too early; it is turned away and costs nothing else
  expect(emulator.entries.filter(({ code }) => code.includes('LimitExceeded')).length).toBeLessThanOrEqual(2)
  const how = 'at random, a third of all requests, the built program in real time'
  promised({
    fault: 'every answer and break',
    how,
    runs: forest.names.length,
    ...(await ledgerOf({ forest, emulator, stateDir, heard })),
  })
})
