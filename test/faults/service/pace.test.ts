/** The built program in real time, with faults at a third of its requests: never faster than the rate limit, and everything uploaded in the end. */
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { execPath, stdout } from 'node:process'
import { expect, onTestFinished, test } from 'vitest'
import { startEmulator } from '../../../src/emulator/server.ts'
import { sleep } from '../../../src/util/async.ts'
import { run, SYSTEM_PATH } from '../../e2e/child.ts'
import { MAIN } from '../../e2e/program.ts'
import { seededRandom } from '../../fixtures/random.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { SEED, times } from '../run.ts'
import { type Injection, respond, startProxy } from './faultInjectingProxy.ts'
import { BREAKS, REPLIES } from './faults.ts'
import {
  ACCOUNTS,
  issueLineages,
  KEYS,
  mostInASecond,
  optionsFor,
  RATE,
  reportResults,
  resultsOf,
} from './fixture.ts'

const FAULTS = [...REPLIES, ...BREAKS]
const random = seededRandom(SEED)

/** Up to 200 ms of latency: the rate limiter does not allow for more than 250. */
const delayed =
  (injection: Injection | undefined): Injection =>
  async exchange => {
    await sleep(random() * 200)
    if (injection) await injection(exchange)
    else respond(exchange.response, await exchange.forward())
  }

test('with faults at a third of all requests the rate limit holds', { timeout: 300_000 }, async () => {
  const lineages = await issueLineages(times(12, 150))
  const emulator = await startEmulator({ accounts: ACCOUNTS, rate: RATE, dice: random })
  onTestFinished(emulator.close)
  const proxy = await startProxy({
    service: emulator.url,
    inject: () =>
      delayed(random() < 1 / 3 ? FAULTS[Math.floor(random() * FAULTS.length)]?.injection : undefined),
  })
  onTestFinished(proxy.close)
  const stateDir = join(await temporaryDirectory(), 'state')
  const words = optionsFor({ lineages, stateDir, endpoint: `http://127.0.0.1:${proxy.port}` })
  const delay = monitorEventLoopDelay()
  delay.enable()
  let text = ''
  for (let runs = 1; ; runs++) {
    const { code, stdout, stderr } = await run(execPath, [MAIN, 'sync', ...words], {
      ...KEYS,
      PATH: SYSTEM_PATH,
    })
    text += stdout + stderr
    if (code === 0) break
    expect([code, runs < 6]).toEqual([75, true])
  }
  delay.disable()
  const lateMs = Math.round(delay.max / 1e6)
  // an arrival that is seen late seems closer to the next one
  const most = mostInASecond(proxy.arrivals, 1_000 - Math.min(lateMs, 250))
  stdout.write(
    `  ${proxy.arrivals.length} requests, at most ${most} in a second; seen up to ${lateMs} ms late\n`,
  )
  expect(most).toBeLessThanOrEqual(RATE)
  // until the shortest round trip is known one may come too early; it is throttled and costs nothing else
  expect(emulator.entries.filter(({ code }) => code.includes('LimitExceeded')).length).toBeLessThanOrEqual(2)
  reportResults(
    {
      fault: 'every answer and break',
      how: 'at random, a third of all requests, the built program in real time',
    },
    lineages.names.length,
    await resultsOf({ lineages, emulator, stateDir, text }),
  )
})
