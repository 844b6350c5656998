/** The service gone for an hour and back: few requests into the void, and everything up soon after the return. */

import type { Socket } from 'node:net'
import { stdout } from 'node:process'
import { expect, test } from 'vitest'
import { issue } from '../../fixtures/certificates.ts'
import { seededDice } from '../../fixtures/dice.ts'
import { all, certbotRenew } from '../../fixtures/producers.ts'
import { promised, SEED, times } from '../run.ts'
import { chosen } from './endurance.ts'
import type { Trouble } from './faultInjectingProxy.ts'
import { type Clock, openClock } from './idleClock.ts'
import { type Forest, leafOf, plant } from './lineageFixtures.ts'
import { instead, refusal } from './serviceFaults.ts'
import { densest, type FarStage, openFarStage, type Pass, RATE } from './serviceFixture.ts'

const dice = seededDice(SEED)
const MINUTE = 60_000
const HOUR = 60 * MINUTE

interface Outage {
  readonly how: string
  /** What the log calls it. */
  readonly code: string
  readonly greet?: (socket: Socket) => unknown
  readonly trouble?: Trouble
  /** Requests of one pass into the void at the most, for so many certificates. */
  readonly most: (certificates: number) => number
  /** Minutes after the return at which everything is up at the latest, where a daemon runs. */
  readonly within: number
}

/** In silence the pauses grow to 4 to 8 s, and after 90 s a pass gives up. */
const SILENT = { most: () => 24, within: 16 }

const OUTAGES: readonly Outage[] = [
  { how: 'every connection reset', code: 'NETWORK', greet: socket => socket.resetAndDestroy(), ...SILENT },
  {
    how: '502 to every request',
    code: 'REPLY_UNREADABLE',
    trouble: instead({ status: 502, body: '<html>' }),
    ...SILENT,
  },
  {
    how: 'InternalError to every request',
    code: 'API_UNAVAILABLE',
    trouble: refusal('InternalError', 'busy'),
    // each certificate is told so, eight times
    most: certificates => 8 * certificates,
    within: 61,
  },
]

interface Gone extends FarStage {
  readonly clock: Clock
  readonly forest: Forest
  readonly leaves: string[]
  /** Requests and connections while the service was gone. */
  readonly inVain: () => number
  /** One of the lineages is renewed. */
  readonly renew: (i: number) => Promise<void>
}

/** A service that is gone for the first hour of the clock. */
async function gone({ greet, trouble }: Outage): Promise<Gone> {
  const clock = openClock()
  const forest = await plant(times(4, 12))
  const isGone = () => clock.monotonic() < HOUR
  let inVain = 0
  const stage = await openFarStage({
    forest,
    time: clock,
    dice,
    greet: socket => {
      if (!greet || !isGone()) return false
      inVain += 1
      greet(socket)
      return true
    },
    meet: () => {
      if (!trouble || !isGone()) return undefined
      inVain += 1
      return trouble
    },
  })
  const leaves = [...forest.leaves]
  const renew = async (i: number) => {
    const name = forest.names[i] ?? ''
    const pair = await issue({ names: [name] })
    leaves[i] = leafOf(pair)
    await all(certbotRenew(forest.root, name, pair))
  }
  return { ...stage, clock, forest, leaves, inVain: () => inVain, renew }
}

/** When the last request arrived. */
const lastOf = ({ front }: Gone) => Math.max(...front.arrivals)

/** Every certificate is where it belongs, in its last form. */
async function row(how: string, hour: Gone): Promise<void> {
  const { emulator, front, leaves, ledger, inVain } = hour
  expect(densest(front.arrivals)).toBeLessThanOrEqual(RATE)
  const stored = emulator.certificates().map(({ fingerprint }) => fingerprint)
  const minutes = ((lastOf(hour) - HOUR) / MINUTE).toFixed(1)
  stdout.write(
    `  ${how}: ${inVain()} requests in the hour, all ${leaves.length} up ${minutes} minutes after the return\n`,
  )
  const { duplicated, leaked } = await ledger()
  const lost = leaves.filter(leaf => !stored.includes(leaf)).length
  promised({ fault: 'the service gone for an hour', how, runs: leaves.length, lost, duplicated, leaked })
}

const errorsOf = ({ lines }: Pass) => lines.filter(({ level }) => level === 'error')

const EVERY = times(20, 5) * MINUTE

test.each(chosen(OUTAGES, dice, 1))('sync from cron: $how', async outage => {
  const hour = await gone(outage)
  const { clock, sync, inVain, forest, renew } = hour
  let pass: Pass | undefined
  for (let at = 0; clock.monotonic() <= HOUR; at += EVERY) {
    await clock.until(clock.wait(Math.max(0, at - clock.monotonic())))
    const before = inVain()
    pass = await clock.until(sync())
    if (pass.exit === 0) break
    expect(pass.exit).toBe(75)
    expect(inVain() - before).toBeLessThanOrEqual(outage.most(forest.names.length))
    for (const error of errorsOf(pass))
      expect(error).toMatchObject({ code: outage.code, advice: expect.any(String) })
    if (at === 20 * MINUTE) await renew(0)
  }
  expect(pass?.exit).toBe(0)
  await row(`${outage.how}, sync every ${EVERY / MINUTE} minutes`, hour)
})

test.each(chosen(OUTAGES, dice, 1))('the daemon: $how', async outage => {
  const hour = await gone(outage)
  const { clock, watch, inVain, forest, renew } = hour
  const daemon = watch()
  await clock.until(expect.poll(inVain, { timeout: 20_000, interval: 2 }).toBeGreaterThan(8))
  await renew(0)
  const uploaded = () => daemon.lines().filter(({ event }) => event === 'uploaded').length
  await clock.until(expect.poll(uploaded, { timeout: 200_000, interval: 2 }).toBe(forest.names.length))
  expect(lastOf(hour)).toBeLessThan(HOUR + outage.within * MINUTE)
  daemon.end()
  const ended = await clock.until(daemon.ended)
  expect(ended.exit).toBe(0)
  if (outage.code === 'API_UNAVAILABLE')
    expect(errorsOf(ended).length).toBeLessThanOrEqual(forest.names.length)
  else {
    expect(errorsOf(ended)).toMatchObject([
      { event: 'service_unreachable', code: outage.code, advice: expect.any(String) },
    ])
    expect(ended.said('service_recovered')).toHaveLength(1)
  }
  await row(`${outage.how}, the daemon`, hour)
})
