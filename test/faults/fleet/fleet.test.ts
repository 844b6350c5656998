/** Many servers that know nothing of one another share one limit: all is uploaded about as soon as the limit allows, and no server starves. */
import { stdout } from 'node:process'
import { beforeAll, expect, test } from 'vitest'
import type { Bundle } from '../../../src/certificate/bundle.ts'
import { bundleOf } from '../../fixtures/samples.ts'
import { LONG, SEED } from '../run.ts'
import { type Fleet, type Simulation, simulate, type Window } from './simulation.ts'

let bundle: Bundle

beforeAll(async () => {
  bundle = await bundleOf()
})

/** Prints the row of docs/reliability.md. */
async function simulated(name: string, fleet: Fleet, most = 1.25): Promise<Simulation> {
  const result = await simulate(fleet, bundle, SEED)
  const { needed, own, taken, ratio, throttled, longestWait, lost, duplicated } = result
  const cells = [
    ...[name, fleet.servers, `${fleet.perSecond}, ${fleet.window}`, needed],
    ...[own.toFixed(0), taken.toFixed(0), ratio.toFixed(2), throttled, longestWait.toFixed(0)],
    ...[lost, duplicated],
  ]
  stdout.write(`| ${cells.join(' | ')} |  seed ${SEED}\n`)
  expect(result).toMatchObject({ lost: 0, duplicated: 0, wasted: 0 })
  expect(ratio).toBeLessThan(most)
  return result
}

/** 500 new certificates: 50 of them on every server, each of the others on one. All servers begin within a second. */
const RENEWED = { everywhere: 50, single: 450, perSecond: 10, within: 1_000 } as const

const WINDOWS: readonly Window[] = LONG ? ['fixed', 'sliding'] : ['fixed']

/** Two thousand servers take some millions of turns of the event loop. */
const TIMEOUT = LONG ? 3_600_000 : 180_000

test.each(WINDOWS)(
  '200 servers upload 500 new certificates, 50 of them each (%s)',
  { timeout: TIMEOUT },
  async window => {
    const fleet = { ...RENEWED, servers: 200, window }
    const { longestWait, own, throttled, needed } = await simulated('200 servers', fleet)
    expect(longestWait).toBeLessThan(own * 0.7)
    expect(throttled).toBeLessThan(4 * needed)
  },
)

test.runIf(LONG).each(WINDOWS)(
  '2,000 servers upload 500 new certificates, 50 of them each (%s)',
  { timeout: TIMEOUT },
  async window => {
    const { longestWait, own } = await simulated('2,000 servers', { ...RENEWED, servers: 2_000, window })
    expect(longestWait).toBeLessThan(own * 0.7)
  },
)

const FEW = { everywhere: 0, single: 1_000, within: 500 } as const

test.each([10, 200])('8 processes share a limit of %i a second', { timeout: TIMEOUT }, async perSecond => {
  for (const window of ['fixed', 'sliding'] as const) {
    const { throttled, needed } = await simulated('8 processes', { ...FEW, servers: 8, perSecond, window })
    expect(throttled).toBeLessThan(0.7 * needed)
  }
})

// a slot is free a second after the reply: what is above 1 is the latency, 70 ms of a second
test.each([10, 20])(
  '1 process has the whole limit of %i a second, and is never throttled',
  { timeout: TIMEOUT },
  async perSecond => {
    const fleet = { ...FEW, servers: 1, perSecond, within: 0, window: 'sliding' } as const
    expect((await simulated('1 process', fleet, 1.1)).throttled).toBe(0)
  },
)
