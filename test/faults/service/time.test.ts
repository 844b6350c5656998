/** This machine's clock is wrong: corrected by the service's, reported once, and every certificate stored once. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { startEmulator } from '../../../src/emulator/server.ts'
import { run, SYSTEM_PATH } from '../../e2e/child.ts'
import { MAIN } from '../../e2e/program.ts'
import { issue, leafFingerprint } from '../../fixtures/certificates.ts'
import { all, certbotRenew } from '../../fixtures/producers.ts'
import { seededRandom } from '../../fixtures/random.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { SEED, times } from '../run.ts'
import { respond } from './faultInjectingProxy.ts'
import {
  ACCOUNTS,
  type CertbotLineages,
  issueLineages,
  KEYS,
  openServiceFixture,
  optionsFor,
  reportResults,
  resultsOf,
  type ServiceOptions,
  startIdleClock,
  sumResults,
} from './fixture.ts'

const random = seededRandom(SEED)
const MINUTE = 60_000
let lineages: CertbotLineages

beforeAll(async () => {
  lineages = await issueLineages(times(3, 12))
})

/** A service whose clock is right, and a program whose clock is off by as much as the test sets. */
async function openSkewed(options: Partial<ServiceOptions> = {}) {
  const clock = startIdleClock()
  let offset = 0
  const time = { ...clock, now: () => clock.now() + offset }
  const setOffset = (ms: number) => {
    offset = ms
  }
  const fixture = await openServiceFixture({ lineages, time, random, serviceNow: clock.now, ...options })
  return { clock, setOffset, ...fixture }
}

async function testOnce(offset: number) {
  const { clock, setOffset, sync, proxy, results, emulator } = await openSkewed()
  setOffset(offset)
  const { exit, events } = await clock.until(sync())
  expect(exit).toBe(0)
  expect(events('clock_skew')).toMatchObject([
    {
      level: 'warn',
      msg: expect.stringContaining(offset > 0 ? 'fast' : 'slow'),
      advice: expect.stringContaining('timedatectl'),
    },
  ])
  expect(events('retry')).toMatchObject([{ code: 'API_CLOCK', advice: expect.any(String) }])
  expect(emulator.entries[0]?.code).toBe('AuthFailure.SignatureExpire')
  expect(proxy.arrivals).toHaveLength(lineages.names.length + 1)
  return results()
}

test.each([
  ['10 minutes fast', () => 10 * MINUTE],
  ['10 minutes slow', () => -10 * MINUTE],
  ['5 minutes to 12 hours off', () => (random() < 0.5 ? -1 : 1) * MINUTE * (5.1 + random() * 700)],
] as const)('a clock %s is corrected', async (fault, offset) => {
  const rounds = times(1, 8)
  const sum = await sumResults(rounds, () => testOnce(offset()))
  reportResults(
    { fault: `clock ${fault}`, how: 'the time handed to the program' },
    rounds * lineages.names.length,
    sum,
  )
})

test('a wrong clock, and a service that does not send the time: exit 77 after one request, until it is right', async () => {
  const { clock, setOffset, sync, proxy, results } = await openSkewed({
    inject:
      () =>
      async ({ forward, response }) => {
        const { headers, ...reply } = await forward()
        const { date: _, ...others } = headers
        response.sendDate = false
        respond(response, { ...reply, headers: others })
      },
  })
  setOffset(10 * MINUTE)
  const first = await clock.until(sync())
  expect(first.exit).toBe(77)
  expect(proxy.arrivals).toHaveLength(1)
  expect(first.events('stopped')).toMatchObject([
    { level: 'error', code: 'API_CLOCK', advice: expect.stringContaining('timedatectl') },
  ])
  setOffset(0)
  expect((await clock.until(sync())).exit).toBe(0)
  reportResults(
    { fault: 'clock 10 minutes off, no Date', how: 'the Date taken from every answer' },
    lineages.names.length,
    await results(),
  )
})

test('a clock that goes wrong and right again under a daemon is reported each time', async () => {
  const single = await issueLineages(1)
  const name = single.names[0] ?? ''
  const { clock, setOffset, watch, results, emulator } = await openSkewed({ lineages: single })
  const daemon = watch()
  const stored = (count: number) =>
    clock.until(
      expect.poll(() => emulator.certificates().length, { timeout: 10_000, interval: 5 }).toBe(count),
    )
  await stored(1)
  const steps = [10, 0, -10, 0, 10, -10]
  const leaves = [...single.leaves]
  for (const [i, minutes] of steps.entries()) {
    setOffset(minutes * MINUTE)
    const pair = await issue({ names: [name] })
    leaves.push(leafFingerprint(pair.leaf))
    await all(certbotRenew(single.root, name, pair))
    await stored(i + 2)
  }
  await clock.until(
    expect
      .poll(() => daemon.lines().filter(({ event }) => event === 'uploaded'))
      .toHaveLength(steps.length + 1),
  )
  daemon.end()
  const { exit, events } = await clock.until(daemon.ended)
  expect(exit).toBe(0)
  const messages = events('clock_skew').map(({ level, msg }) => `${level} ${msg.split(';')[0]}`)
  const [fast, slow] = ['fast', 'slow'].map(how => `warn this machine's clock is 10 minutes ${how}`)
  const right = "info this machine's clock is in step with the service's again"
  expect(messages).toEqual([fast, right, slow, right, fast, slow])
  const held = new Set(emulator.certificates().map(({ fingerprint }) => fingerprint))
  reportResults(
    { fault: 'clock steps by 10 minutes, and back', how: 'under a running daemon' },
    leaves.length,
    { ...(await results()), lost: leaves.filter(leaf => !held.has(leaf)).length },
  )
})

const hasFaketime = spawnSync('faketime', ['--version']).status === 0

// needs faketime, which Debian has in a package of that name
test.skipIf(!hasFaketime)('the built program uploads under a clock that is 10 minutes off', async () => {
  const rounds = times(1, 6)
  const sum = await sumResults(rounds, async () => {
    const offset = random() < 0.5 ? '+600s' : '-600s'
    const emulator = await startEmulator({ accounts: ACCOUNTS })
    onTestFinished(emulator.close)
    const stateDir = join(await temporaryDirectory(), 'state')
    const options = optionsFor({ lineages, stateDir, endpoint: emulator.url })
    const { code, stdout, stderr } = await run(
      'faketime',
      ['-f', offset, execPath, MAIN, 'sync', ...options],
      { ...KEYS, PATH: SYSTEM_PATH, FAKETIME_DONT_FAKE_MONOTONIC: '1' },
    )
    expect(code).toBe(0)
    expect(stdout).toContain(`clock is 10 minutes ${offset.startsWith('+') ? 'fast' : 'slow'}`)
    return resultsOf({ lineages, emulator, stateDir, text: stdout + stderr })
  })
  reportResults(
    { fault: 'clock 10 minutes fast, or slow', how: 'faketime, the built program' },
    rounds * lineages.names.length,
    sum,
  )
})
