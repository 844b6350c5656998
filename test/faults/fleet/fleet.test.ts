/** Many servers, one limit, nobody who tells them of one another: all is up about as soon as the limit allows, and nobody starves. */
import { stdout } from 'node:process'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../../src/certificate/bundle.ts'
import { bundleOf } from '../../fixtures/samples.ts'
import { LONG, SEED } from '../run.ts'
import { type Morning, type Night, night } from './fleet.ts'
import type { Window } from './sharedLimit.ts'

let bundle: Bundle

beforeAll(async () => {
  bundle = await bundleOf()
})

/** The row of docs/reliability.md. */
function told(name: string, { agents, perSecond, window }: Night, morning: Morning): void {
  const { needed, own, taken, ratio, throttled, longestWait, lost, duplicated } = morning
  const figures = [
    needed,
    own.toFixed(0),
    taken.toFixed(0),
    ratio.toFixed(2),
    throttled,
    longestWait.toFixed(0),
  ]
  stdout.write(
    `| ${[name, agents, `${perSecond}, ${window}`, ...figures, lost, duplicated].join(' | ')} |  seed ${SEED}\n`,
  )
}

async function promised(name: string, wishes: Night, most = 1.25): Promise<Morning> {
  const morning = await night(wishes, bundle, SEED)
  told(name, wishes, morning)
  expect(morning).toMatchObject({ lost: 0, duplicated: 0, wasted: 0 })
  expect(morning.ratio).toBeLessThan(most)
  return morning
}

/** 500 new certificates: 50 of them on every server, each of the others on one. All servers begin within a second. */
const RENEWED = { everywhere: 50, single: 450, perSecond: 10, within: 1_000 } as const

/** As the service documents it; and stricter, as the emulator has it. */
const WINDOWS: readonly Window[] = LONG ? ['fixed', 'sliding'] : ['fixed']

/** Two thousand servers are some millions of turns of the event loop. */
const TIMEOUT = LONG ? 3_600_000 : 180_000

describe('a night with 500 new certificates, 50 of them on every server', { timeout: TIMEOUT }, () => {
  test.each(WINDOWS)('200 servers (%s)', async window => {
    const { longestWait, own, throttled, needed } = await promised('200 servers', {
      ...RENEWED,
      agents: 200,
      window,
    })
    expect(longestWait).toBeLessThan(own * 0.7)
    expect(throttled).toBeLessThan(4 * needed)
  })

  test.runIf(LONG).each(WINDOWS)('2,000 servers (%s)', async window => {
    const { longestWait, own } = await promised('2,000 servers', { ...RENEWED, agents: 2_000, window })
    expect(longestWait).toBeLessThan(own * 0.7)
  })
})

describe('few who share a limit', { timeout: TIMEOUT }, () => {
  const few = { everywhere: 0, within: 500 } as const

  test.each([10, 200])('eight with 125 certificates each, at %i a second', async perSecond => {
    await promised('8 processes', { ...few, agents: 8, single: 1_000, perSecond, window: 'fixed' })
    await promised('8 processes', { ...few, agents: 8, single: 1_000, perSecond, window: 'sliding' })
  })

  // a place is free a second after the reply: what is above 1 is the time under way, 70 ms of a second
  test('one has it for itself, and is not slowed', async () => {
    const one = { ...few, agents: 1, single: 1_000, perSecond: 10, within: 0, window: 'sliding' } as const
    // a few may be, before the quickest way has been seen; each costs one request more
    expect((await promised('1 process', one, 1.1)).throttled).toBeLessThanOrEqual(5)
  })
})
