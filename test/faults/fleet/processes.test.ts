/** Twenty processes of the built program share one limit in real time, and take as long as the simulation says. */
import { execPath, stdout } from 'node:process'
import { expect, onTestFinished, test } from 'vitest'
import { DEMO_CREDENTIALS, type Emulator, startEmulator } from '../../../src/emulator/server.ts'
import { type Ended, run, SYSTEM_PATH } from '../../e2e/child.ts'
import { MAIN } from '../../e2e/program.ts'
import { bundleOf } from '../../fixtures/samples.ts'
import { receiptsIn } from '../../fixtures/state.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG, range, SEED } from '../run.ts'
import { type CertbotLineages, issueLineages } from '../service/fixture.ts'
import { simulate } from './simulation.ts'

const PROCESSES = 20
const CERTIFICATES = 10
const RATE = 10
/** Loopback, and the work of signing and reading on a busy machine. In milliseconds. */
const LATENCY = { least: 1, most: 10 }
const SIMULATIONS = 40
/** Start-up and scheduling of twenty processes are not simulated. */
const TOLERANCE = 0.2

/** Starts them all at once, each with a state directory of its own. */
function syncAll(lineages: CertbotLineages, emulator: Emulator, states: readonly string[]) {
  const env = {
    PATH: SYSTEM_PATH,
    CERTFERRY_LOG_FORMAT: 'json',
    HOME: '/nonexistent',
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
  }
  const words = ['sync', '--source', lineages.source, '--endpoint', emulator.url, '--state-dir']
  return Promise.all(states.map(state => run(execPath, [MAIN, ...words, state], env)))
}

interface Figures {
  readonly ratio: number
  readonly throttled: number
}

/** From the first request to the last that passed, divided by the limit's own time. */
function figuresOf({ entries }: Emulator): Figures {
  const passed = entries.filter(({ code }) => code === 'OK').map(({ at }) => at)
  expect(passed).toHaveLength(PROCESSES * CERTIFICATES)
  const taken = Math.max(...passed) - Math.min(...entries.map(({ at }) => at))
  return {
    ratio: (taken * RATE) / (PROCESSES * CERTIFICATES * 1_000),
    throttled: entries.filter(({ code }) => code.includes('LimitExceeded')).length,
  }
}

/** When each had its first reply, in milliseconds after the first of all: they do not start together. */
function beginningsOf(ended: readonly Ended[]): readonly number[] {
  const times = ended.map(({ stdout }) => {
    const lines = stdout.trim().split('\n')
    const first = lines
      .map(line => JSON.parse(line))
      .find(({ event }) => event === 'uploaded' || event === 'retry')
    return Date.parse(first?.time)
  })
  return times.map(time => time - Math.min(...times))
}

async function simulations(within: readonly number[]): Promise<readonly Figures[]> {
  const bundle = await bundleOf()
  const fleet = {
    servers: PROCESSES,
    everywhere: CERTIFICATES,
    single: 0,
    perSecond: RATE,
    window: 'sliding',
    within,
    latency: LATENCY,
  } as const
  const all: Figures[] = []
  for (const i of range(0, SIMULATIONS - 1)) all.push(await simulate(fleet, bundle, SEED + i))
  return all
}

const rangeOf = (numbers: readonly number[]) => ({ least: Math.min(...numbers), most: Math.max(...numbers) })

test.runIf(LONG)(
  `${PROCESSES} processes with ${CERTIFICATES} certificates each take as long as the simulation says`,
  async () => {
    const lineages = await issueLineages(CERTIFICATES)
    const emulator = await startEmulator({ rate: RATE })
    onTestFinished(emulator.close)
    const states = await Promise.all(Array.from({ length: PROCESSES }, temporaryDirectory))
    const ended = await syncAll(lineages, emulator, states)
    expect(ended.filter(({ code }) => code !== 0)).toEqual([])
    const real = figuresOf(emulator)
    const simulated = await simulations(beginningsOf(ended))
    const ratio = rangeOf(simulated.map(one => one.ratio))
    const throttled = rangeOf(simulated.map(one => one.throttled))
    stdout.write(
      `  real: ratio ${real.ratio.toFixed(2)}, ${real.throttled} throttled; simulated: ${ratio.least.toFixed(2)} to ${ratio.most.toFixed(2)}, ${throttled.least} to ${throttled.most}  seed ${SEED}\n`,
    )
    expect(real.ratio).toBeGreaterThan(ratio.least - TOLERANCE)
    expect(real.ratio).toBeLessThan(ratio.most + TOLERANCE)
    await expectRecorded(states, emulator, lineages)
  },
)

/** Each certificate is stored once, and every process has recorded its ID. */
async function expectRecorded(states: readonly string[], emulator: Emulator, lineages: CertbotLineages) {
  const stored = new Map(emulator.certificates().map(({ fingerprint, id }) => [fingerprint, id]))
  expect([emulator.certificates().length, [...stored.keys()].sort()]).toEqual([
    CERTIFICATES,
    [...lineages.leaves].sort(),
  ])
  const expected = lineages.names.map(
    (name, i) => [`certbot:${name}`, stored.get(lineages.leaves[i] ?? '')] as const,
  )
  for (const state of states) {
    const receipts = await receiptsIn(state)
    const ids = receipts.map(({ lineage, uploaded }) => [lineage, uploaded?.certificateId] as const)
    expect(new Map(ids)).toEqual(new Map(expected))
  }
}
