/** Twenty processes of the built program share one limit in real time, and the simulation of the same says the same. */
import { execPath, stdout } from 'node:process'
import { expect, test } from 'vitest'
import { DEMO_CREDENTIALS, type Emulator, startEmulator } from '../../../src/emulator/server.ts'
import { openReceiptStore } from '../../../src/receipts/store.ts'
import { type Ended, run, SYSTEM_PATH } from '../../e2e/child.ts'
import { MAIN } from '../../e2e/program.ts'
import { bundleOf } from '../../fixtures/samples.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG, SEED } from '../run.ts'
import { type Forest, plant } from '../service/lineageFixtures.ts'
import { night } from './fleet.ts'

const PROCESSES = 20
const CERTIFICATES = 10
const RATE = 10
/** Loopback, and the work of signing and reading on a busy machine. */
const ROAD = { least: 1, most: 10 }
/** Simulated nights: the dice make one longer than the other. */
const NIGHTS = 40
/** What the real ratio may lie outside of all simulated ones: start-up and scheduling of twenty processes are not simulated. */
const TOLERANCE = 0.2

const isThrottle = (code: string) => code.includes('LimitExceeded')

/** Begins them all at once; each has a state directory, and all look at the same certificates. */
function fleet(forest: Forest, emulator: Emulator, states: readonly string[]) {
  const env = {
    PATH: SYSTEM_PATH,
    HOME: '/nonexistent',
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
  }
  const words = (state: string) => [
    '--source',
    forest.source,
    '--endpoint',
    emulator.url,
    '--state-dir',
    state,
  ]
  return Promise.all(states.map(state => run(execPath, [MAIN, 'sync', ...words(state)], env)))
}

interface Requests {
  readonly ratio: number
  readonly throttled: number
}

/** From the first request to the last that passed, by the limit's own time. */
function measured({ entries }: Emulator): Requests {
  const passed = entries.filter(({ code }) => code === 'OK').map(({ at }) => at)
  const first = Math.min(...entries.map(({ at }) => at))
  const own = (PROCESSES * CERTIFICATES * 1_000) / RATE
  expect(passed).toHaveLength(PROCESSES * CERTIFICATES)
  return {
    ratio: (Math.max(...passed) - first) / own,
    throttled: entries.filter(({ code }) => isThrottle(code)).length,
  }
}

/** When the first request of each came back, in milliseconds after the first of all: they do not start together. */
function beginnings(ended: readonly Ended[]): readonly number[] {
  const times = ended.map(({ stdout: said }) => {
    const lines = said
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    return Date.parse(lines.find(({ event }) => event === 'uploaded' || event === 'retry')?.time)
  })
  return times.map(time => time - Math.min(...times))
}

async function simulated(within: readonly number[]): Promise<readonly Requests[]> {
  const bundle = await bundleOf()
  const nights: Requests[] = []
  for (let i = 0; i < NIGHTS; i++)
    nights.push(
      await night(
        {
          agents: PROCESSES,
          everywhere: CERTIFICATES,
          single: 0,
          perSecond: RATE,
          window: 'sliding',
          within,
          road: ROAD,
        },
        bundle,
        SEED + i,
      ),
    )
  return nights
}

const rangeOf = (numbers: readonly number[]) => ({ least: Math.min(...numbers), most: Math.max(...numbers) })

test.runIf(LONG)(
  `${PROCESSES} processes with ${CERTIFICATES} certificates each end when the simulation says`,
  async () => {
    const forest = await plant(CERTIFICATES)
    const emulator = await startEmulator({ rate: RATE })
    try {
      const states = await Promise.all(Array.from({ length: PROCESSES }, temporaryDirectory))
      const ended = await fleet(forest, emulator, states)
      expect(ended.filter(({ code }) => code !== 0)).toEqual([])
      const real = measured(emulator)
      const nights = await simulated(beginnings(ended))
      const ratio = rangeOf(nights.map(one => one.ratio))
      const throttled = rangeOf(nights.map(one => one.throttled))
      stdout.write(
        `  real: ratio ${real.ratio.toFixed(2)}, ${real.throttled} throttled; simulated: ${ratio.least.toFixed(2)} to ${ratio.most.toFixed(2)}, ${throttled.least} to ${throttled.most}  seed ${SEED}\n`,
      )
      expect(real.ratio).toBeGreaterThan(ratio.least - TOLERANCE)
      expect(real.ratio).toBeLessThan(ratio.most + TOLERANCE)
      await learnt(states, emulator, forest)
    } finally {
      await emulator.close()
    }
  },
)

/** Each certificate is stored once, and every process has written down its ID. */
async function learnt(
  states: readonly string[],
  emulator: Emulator,
  { names, leaves }: Forest,
): Promise<void> {
  const stored = new Map(emulator.certificates().map(({ fingerprint, id }) => [fingerprint, id]))
  expect(
    emulator
      .certificates()
      .map(({ fingerprint }) => fingerprint)
      .sort(),
  ).toEqual([...leaves].sort())
  for (const state of states) {
    const receipts = await openReceiptStore(state, expect.unreachable, () => new Date()).all()
    const ids = receipts.map(({ lineage, uploaded }) => [lineage, uploaded?.certificateId] as const)
    const truth = names.map((name, i) => [`certbot:${name}`, stored.get(leaves[i] ?? '')] as const)
    expect(new Map(ids)).toEqual(new Map(truth))
  }
}
