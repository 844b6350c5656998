/** A clock that is wrong here: put right by the service's own, told once, and every certificate stored once. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { startEmulator } from '../../../src/emulator/server.ts'
import { run as runProgram, SYSTEM_PATH } from '../../e2e/child.ts'
import { MAIN } from '../../e2e/program.ts'
import { issue } from '../../fixtures/certificates.ts'
import { seededDice } from '../../fixtures/dice.ts'
import { all, certbotRenew } from '../../fixtures/producers.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { promised, SEED, times } from '../run.ts'
import { summed } from './endurance.ts'
import { give } from './faultInjectingProxy.ts'
import { openClock } from './idleClock.ts'
import { type Forest, leafOf, plant } from './lineageFixtures.ts'
import { ACCOUNTS, KEYS, type Ledger, ledgerOf } from './results.ts'
import { openFarStage, placesOf, type Time } from './serviceFixture.ts'

const dice = seededDice(SEED)
const MINUTE = 60_000
let forest: Forest

beforeAll(async () => {
  forest = await plant(times(3, 12))
})

/** The machine's clock, so many milliseconds off; the one that never steps is right. */
function skewed() {
  const clock = openClock()
  let off = 0
  return {
    clock,
    time: { ...clock, now: () => clock.now() + off } satisfies Time,
    set: (ms: number) => {
      off = ms
    },
  }
}

async function once(off: number): Promise<Ledger> {
  const { clock, time, set } = skewed()
  const { sync, front, ledger, emulator } = await openFarStage({ forest, time, dice, serviceNow: clock.now })
  set(off)
  const { exit, said } = await clock.until(sync())
  expect(exit).toBe(0)
  expect(said('clock_skew')).toMatchObject([
    { level: 'warn', advice: expect.stringContaining('timedatectl') },
  ])
  expect(said('clock_skew')[0]?.msg).toContain(off > 0 ? 'fast' : 'slow')
  expect(said('retry')).toMatchObject([{ code: 'API_CLOCK', advice: expect.any(String) }])
  expect(emulator.entries[0]?.code).toBe('AuthFailure.SignatureExpire')
  expect(front.arrivals).toHaveLength(forest.names.length + 1)
  return ledger()
}

test.each([
  ['10 minutes fast', () => 10 * MINUTE],
  ['10 minutes slow', () => -10 * MINUTE],
  ['5 minutes to 12 hours off', () => (dice() < 0.5 ? -1 : 1) * MINUTE * (5.1 + dice() * 700)],
] as const)('a clock %s', async (fault, off) => {
  const rounds = times(1, 8)
  const sum = await summed(rounds, () => once(off()))
  promised({
    fault: `clock ${fault}`,
    how: 'the time handed to the program',
    runs: rounds * forest.names.length,
    ...sum,
  })
})

test('a clock that is wrong, and a service that does not say the time: exit 77 after one request, until it is right', async () => {
  const { clock, time, set } = skewed()
  const { sync, front, ledger } = await openFarStage({
    forest,
    time,
    dice,
    serviceNow: clock.now,
    meet:
      () =>
      async ({ carryOut, response }) => {
        const {
          headers: { date: _, ...headers },
          ...answer
        } = await carryOut()
        response.sendDate = false
        give(response, { ...answer, headers })
      },
  })
  set(10 * MINUTE)
  const first = await clock.until(sync())
  expect(first.exit).toBe(77)
  expect(front.arrivals).toHaveLength(1)
  expect(first.said('stopped')).toMatchObject([
    { level: 'error', code: 'API_CLOCK', advice: expect.stringContaining('timedatectl') },
  ])
  set(0)
  expect((await clock.until(sync())).exit).toBe(0)
  promised({
    fault: 'clock 10 minutes off, no Date',
    how: 'the Date taken from every answer',
    runs: forest.names.length,
    ...(await ledger()),
  })
})

test('a clock that goes wrong and is put right again while the daemon runs', async () => {
  const { clock, time, set } = skewed()
  const grove = await plant(1)
  const { watch, ledger, emulator } = await openFarStage({ forest: grove, time, dice, serviceNow: clock.now })
  const daemon = watch()
  const stored = (count: number) =>
    clock.until(
      expect.poll(() => emulator.certificates().length, { timeout: 10_000, interval: 5 }).toBe(count),
    )
  await stored(1)
  const steps = [10, 0, -10, 0, 10, -10]
  const leaves = [...grove.leaves]
  for (const [i, minutes] of steps.entries()) {
    set(minutes * MINUTE)
    const pair = await issue({ names: [grove.names[0] ?? ''] })
    leaves.push(leafOf(pair))
    await all(certbotRenew(grove.root, grove.names[0] ?? '', pair))
    await stored(i + 2)
  }
  await clock.until(
    expect
      .poll(() => daemon.lines().filter(({ event }) => event === 'uploaded'))
      .toHaveLength(steps.length + 1),
  )
  daemon.end()
  const { exit, said } = await clock.until(daemon.ended)
  expect(exit).toBe(0)
  const told = said('clock_skew').map(({ level, msg }) => `${level} ${msg.split(';')[0]}`)
  const [fast, slow] = ['fast', 'slow'].map(how => `warn this machine's clock is 10 minutes ${how}`)
  const right = "info this machine's clock is in step with the service's again"
  expect(told).toEqual([fast, right, slow, right, fast, slow])
  const { duplicated, leaked } = await ledger()
  const held = new Set(emulator.certificates().map(({ fingerprint }) => fingerprint))
  promised({
    fault: 'clock steps by 10 minutes, and back',
    how: 'under a running daemon',
    runs: leaves.length,
    lost: leaves.filter(leaf => !held.has(leaf)).length,
    duplicated,
    leaked,
  })
})

const hasFaketime = (() => {
  try {
    execFileSync('faketime', ['--version'])
    return true
  } catch {
    return false
  }
})()

// needs faketime, which Debian has in a package of that name
test.skipIf(!hasFaketime)('the built program under a clock that is 10 minutes off', async () => {
  const rounds = times(1, 6)
  const sum = await summed(rounds, async () => {
    const off = dice() < 0.5 ? '+600' : '-600'
    const emulator = await startEmulator({ accounts: ACCOUNTS })
    onTestFinished(emulator.close)
    const stateDir = join(await temporaryDirectory(), 'state')
    const sync = ['sync', ...placesOf({ forest, stateDir, endpoint: emulator.url })]
    const env = { ...KEYS, PATH: SYSTEM_PATH, FAKETIME_DONT_FAKE_MONOTONIC: '1' }
    const { code, stdout, stderr } = await runProgram(
      'faketime',
      ['-f', `${off}s`, execPath, MAIN, ...sync],
      env,
    )
    expect(code).toBe(0)
    expect(stdout).toContain(`clock is 10 minutes ${off.startsWith('+') ? 'fast' : 'slow'}`)
    return ledgerOf({ forest, emulator, stateDir, heard: stdout + stderr })
  })
  promised({
    fault: 'clock 10 minutes fast, or slow',
    how: 'faketime, the built program',
    runs: rounds * forest.names.length,
    ...sum,
  })
})
