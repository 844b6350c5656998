/** Faults of the service, a gateway and the network: every certificate is stored once, and the log names what happened. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../fixtures/random.ts'
import { answering } from '../../http/httpServers.ts'
import { SEED, times } from '../run.ts'
import { BREAKS, REPLIES, redirectsTo, type ServiceFault } from './faults.ts'
import {
  type CertbotLineages,
  chosen,
  expectLogged,
  issueLineages,
  type Line,
  mostInASecond,
  openServiceFixture,
  RATE,
  type Run,
  reportResults,
  startIdleClock,
  sumResults,
} from './fixture.ts'

const random = seededRandom(SEED)

describe('one fault for all certificates', () => {
  let lineages: CertbotLineages
  beforeAll(async () => {
    lineages = await issueLineages(times(2, 12))
  })

  /** How long a fault may last in the second run, in milliseconds; a run waits for longer. */
  const LONGEST = 30_000

  /** The fault never ends in the first run, ends during the second, and is over in the third. */
  async function testOnce(fault: ServiceFault) {
    const clock = startIdleClock()
    let until = Number.POSITIVE_INFINITY
    const inject = () => (clock.monotonic() < until ? fault.injection : undefined)
    const { sync, proxy, results } = await openServiceFixture({ lineages, time: clock, random, inject })

    const first = await clock.until(sync())
    expect(first.exit).toBe(fault.code ? 75 : 0)
    expectLogged(first.lines, fault)
    if (fault.code) {
      expect(first.events('retry').filter(({ level }) => level === 'info')).toHaveLength(1)
      expect(first.events('failed').filter(({ level }) => level === 'error').length).toBeGreaterThan(0)
    }
    const before = proxy.injected()
    until = clock.monotonic() + random() * LONGEST
    const second = await clock.until(sync())
    expect(second.exit).toBe(0)
    expectLogged(second.lines, fault)
    if (fault.code) expect(second.events('retry')).toHaveLength(proxy.injected() - before)

    const requests = proxy.arrivals.length
    expect((await clock.until(sync())).exit).toBe(0)
    expect(proxy.arrivals).toHaveLength(requests)
    expect(mostInASecond(proxy.arrivals)).toBeLessThanOrEqual(RATE)
    return results()
  }

  async function testFault(fault: ServiceFault, rounds: number) {
    const sum = await sumResults(rounds, () => testOnce(fault))
    reportResults(fault, rounds * lineages.names.length, sum)
  }

  test.each(chosen(REPLIES, random))('$fault: uploaded once', fault => testFault(fault, times(1, 2)))

  test.each(chosen(BREAKS, random))('$fault: uploaded once', fault => testFault(fault, times(1, 3)))

  test('a redirect is never followed', async () => {
    const elsewhere = await answering(() => ({}))
    for (const fault of chosen(redirectsTo(elsewhere.url), random)) await testFault(fault, times(1, 2))
    expect(elsewhere.asked).toEqual([])
  })
})

describe('all faults together', () => {
  const allFaults = async () => {
    const elsewhere = await answering(() => ({}))
    return { faults: [...REPLIES, ...redirectsTo(elsewhere.url), ...BREAKS], elsewhere }
  }

  /** Where nearly everything fails, a run gives up after 90 s and the next goes on. Resolves to the lines of all, when one succeeds. */
  async function syncUntilDone(sync: () => Promise<Run>): Promise<readonly Line[]> {
    const all: Line[] = []
    for (let run = 1; ; run++) {
      const { exit, lines } = await sync()
      all.push(...lines)
      if (exit === 0) return all
      expect(run).toBeLessThan(8)
    }
  }

  /** Requests of one certificate that meet the fault, one after the other; eight attempts are made. */
  const IN_A_ROW = 2

  test('every fault at once, each for a certificate of its own', async () => {
    const { faults, elsewhere } = await allFaults()
    const lineages = await issueLineages(faults.length)
    const own = new Map<string, ServiceFault | undefined>()
    for (const [i, name] of lineages.names.entries()) {
      const chain = await readFile(join(lineages.root, 'live', name, 'fullchain.pem'))
      own.set(createHash('sha256').update(chain).digest('hex'), faults[i])
    }
    const clock = startIdleClock()
    const { sync, proxy, results } = await openServiceFixture({
      lineages,
      time: clock,
      random,
      inject: ({ certificate, times }) => (times <= IN_A_ROW ? own.get(certificate)?.injection : undefined),
    })
    const lines = await syncUntilDone(() => clock.until(sync()))
    expect(proxy.injected()).toBeGreaterThan(faults.length)
    for (const [i, fault] of faults.entries()) {
      const ofLineage = lines.filter(({ lineage }) => lineage === `certbot:${lineages.names[i]}`)
      const retries = ofLineage.filter(({ event }) => event === 'retry')
      // the last attempt before a run gives up is no retry
      const failed = ofLineage.filter(({ event }) => event === 'failed')
      if (fault.code) expect(retries.length + failed.length).toBeGreaterThanOrEqual(IN_A_ROW)
      else expect(retries).toEqual([])
      expectLogged(retries, fault)
    }
    expect(mostInASecond(proxy.arrivals)).toBeLessThanOrEqual(RATE)
    expect(elsewhere.asked).toEqual([])
    reportResults(
      { fault: 'every answer and break', how: 'at once, each for a certificate of its own' },
      faults.length,
      await results(),
    )
  })

  test('faults at random: a few runs upload everything', async () => {
    const { faults, elsewhere } = await allFaults()
    const lineages = await issueLineages(times(12, 40))
    const rounds = times(1, 20)
    const sum = await sumResults(rounds, async () => {
      const clock = startIdleClock()
      const inject = () =>
        random() < 0.5 ? faults[Math.floor(random() * faults.length)]?.injection : undefined
      const { sync, proxy, results } = await openServiceFixture({ lineages, time: clock, random, inject })
      await syncUntilDone(() => clock.until(sync()))
      expect(mostInASecond(proxy.arrivals)).toBeLessThanOrEqual(RATE)
      return results()
    })
    expect(elsewhere.asked).toEqual([])
    reportResults(
      { fault: 'every answer and break', how: 'at random: half of all requests' },
      rounds * lineages.names.length,
      sum,
    )
  })
})
