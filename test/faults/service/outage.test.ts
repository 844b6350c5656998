/** The service is gone for an hour: few requests in vain, and everything uploaded soon after its return. */
import type { Socket } from 'node:net'
import { stdout } from 'node:process'
import { expect, test } from 'vitest'
import { issue, leafFingerprint } from '../../fixtures/certificates.ts'
import { all, certbotRenew } from '../../fixtures/producers.ts'
import { seededRandom } from '../../fixtures/random.ts'
import { SEED, times } from '../run.ts'
import type { Injection } from './faultInjectingProxy.ts'
import { instead, refusal } from './faults.ts'
import {
  chosen,
  issueLineages,
  mostInASecond,
  openServiceFixture,
  RATE,
  type Run,
  reportResults,
  startIdleClock,
} from './fixture.ts'

const random = seededRandom(SEED)
const MINUTE = 60_000
const HOUR = 60 * MINUTE

interface Outage {
  readonly how: string
  readonly code: string
  readonly onConnection?: (socket: Socket) => unknown
  readonly injection?: Injection
  /** The most requests of one run in vain, for that many certificates. */
  readonly most: (certificates: number) => number
  /** Minutes after the return by which a daemon has uploaded everything. */
  readonly within: number
}

/** Without a reply the pauses grow to 4 to 8 s, and after 90 s a run gives up. */
const UNREACHABLE = { most: () => 24, within: 16 }

const OUTAGES: readonly Outage[] = [
  {
    how: 'every connection reset',
    code: 'NETWORK',
    onConnection: socket => socket.resetAndDestroy(),
    ...UNREACHABLE,
  },
  {
    how: '502 to every request',
    code: 'REPLY_UNREADABLE',
    injection: instead({ status: 502, body: '<html>' }),
    ...UNREACHABLE,
  },
  {
    how: 'InternalError to every request',
    code: 'API_UNAVAILABLE',
    injection: refusal('InternalError', 'busy'),
    // eight attempts for each certificate
    most: certificates => 8 * certificates,
    within: 61,
  },
]

/** A service that is gone for the first hour of the clock. */
async function openOutage({ onConnection, injection }: Outage) {
  const clock = startIdleClock()
  const lineages = await issueLineages(times(4, 12))
  let inVain = 0
  const isGone = () => clock.monotonic() < HOUR && ++inVain > 0
  const fixture = await openServiceFixture({
    lineages,
    time: clock,
    random,
    onConnection: socket => {
      if (!onConnection || !isGone()) return false
      onConnection(socket)
      return true
    },
    inject: () => (injection && isGone() ? injection : undefined),
  })
  const leaves = [...lineages.leaves]
  const renew = async (i: number) => {
    const name = lineages.names[i] ?? ''
    const pair = await issue({ names: [name] })
    leaves[i] = leafFingerprint(pair.leaf)
    await all(certbotRenew(lineages.root, name, pair))
  }
  const lastArrival = () => Math.max(...fixture.proxy.arrivals)
  /** Every certificate is stored as it is after its renewal. */
  const report = async (how: string) => {
    expect(mostInASecond(fixture.proxy.arrivals)).toBeLessThanOrEqual(RATE)
    const minutes = ((lastArrival() - HOUR) / MINUTE).toFixed(1)
    stdout.write(
      `  ${how}: ${inVain} requests in the hour, all ${leaves.length} uploaded ${minutes} minutes after the return\n`,
    )
    const stored = fixture.emulator.certificates().map(({ fingerprint }) => fingerprint)
    const lost = leaves.filter(leaf => !stored.includes(leaf)).length
    reportResults({ fault: 'the service gone for an hour', how }, leaves.length, {
      ...(await fixture.results()),
      lost,
    })
  }
  return { ...fixture, clock, lineages, inVain: () => inVain, renew, lastArrival, report }
}

const errorsOf = ({ lines }: Run) => lines.filter(({ level }) => level === 'error')

const INTERVAL = times(20, 5) * MINUTE

test.each(chosen(OUTAGES, random, 1))('sync from cron survives an hour of $how', async outage => {
  const { clock, sync, inVain, lineages, renew, report } = await openOutage(outage)
  let last: Run | undefined
  for (let at = 0; clock.monotonic() <= HOUR; at += INTERVAL) {
    await clock.until(clock.wait(Math.max(0, at - clock.monotonic())))
    const before = inVain()
    last = await clock.until(sync())
    if (last.exit === 0) break
    expect(last.exit).toBe(75)
    expect(inVain() - before).toBeLessThanOrEqual(outage.most(lineages.names.length))
    for (const error of errorsOf(last))
      expect(error).toMatchObject({ code: outage.code, advice: expect.any(String) })
    if (at === 20 * MINUTE) await renew(0)
  }
  expect(last?.exit).toBe(0)
  await report(`${outage.how}, sync every ${INTERVAL / MINUTE} minutes`)
})

test.each(chosen(OUTAGES, random, 1))('the daemon survives an hour of $how', async outage => {
  const { clock, watch, inVain, lineages, renew, lastArrival, report } = await openOutage(outage)
  const daemon = watch()
  await clock.until(expect.poll(inVain, { timeout: 20_000, interval: 2 }).toBeGreaterThan(8))
  await renew(0)
  const uploaded = () => daemon.lines().filter(({ event }) => event === 'uploaded').length
  await clock.until(expect.poll(uploaded, { timeout: 200_000, interval: 2 }).toBe(lineages.names.length))
  expect(lastArrival()).toBeLessThan(HOUR + outage.within * MINUTE)
  daemon.end()
  const ended = await clock.until(daemon.ended)
  expect(ended.exit).toBe(0)
  if (outage.code === 'API_UNAVAILABLE')
    expect(errorsOf(ended).length).toBeLessThanOrEqual(lineages.names.length)
  else {
    expect(errorsOf(ended)).toMatchObject([
      { event: 'service_unreachable', code: outage.code, advice: expect.any(String) },
    ])
    expect(ended.events('service_recovered')).toHaveLength(1)
  }
  await report(`${outage.how}, the daemon`)
})
