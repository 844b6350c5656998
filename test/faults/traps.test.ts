/** Every way in which the service is known to mislead a client ends in the right state, and the next runs reach the end. */
import { describe, expect, test } from 'vitest'
import type { TrapChoices } from '../../src/emulator/resources.ts'
import { type HostOptions, Killed, killAfter } from '../deploy/account.ts'
import {
  CDN,
  CLB,
  current,
  DAY,
  deny,
  exitOf,
  expectInPlace,
  pairsAsked,
  places,
  renewing,
  sent,
  setTraps,
  stateOf,
  syncToEnd,
} from '../deploy/renewal.ts'

const UPDATE = 'UpdateCertificateInstance'

const BEIJING = { ...CLB, region: 'ap-beijing', instance: 'lb-2', listener: 'lbl-2' }

const BROKEN = ['reset-after', 'internal-error', 'bad-gateway', 'truncated'] as const

const everyThird: HostOptions['faults'] = ({ n }) => (n % 3 ? undefined : BROKEN[(n / 3) % BROKEN.length])

describe('one run is enough', () => {
  const cases: ReadonlyArray<readonly [string, HostOptions]> = [
    ['however long the scan takes', { traps: { scanCalls: 9, scanSeconds: 120 } }],
    ['where DeployStatus is 1 as documented', { traps: { deployStatus: 'documented' } }],
    ['where a running job is told by HasPendingRecord', { traps: { duringJob: 'pending' } }],
    ['where a record shows nothing for long', { traps: { recordHiddenSeconds: 100 } }],
    ['where PendingTotalCount is there', { traps: { pendingCount: true } }],
    ['where Limit counts over all types', { traps: { limitCounts: 'all' } }],
    ['where a resource fails once', { resources: [CDN, { ...CLB, fail: { times: 1, message: 'busy' } }] }],
    ['where a status is shown that nobody knows', { resources: [CDN, { ...CLB, shows: 7 }] }],
    ['where a type without regions is an error', { traps: { missingRegions: 'error' } }],
    [
      'where a listener has several names in one text',
      { resources: [{ ...CLB, domains: ['a.example.com', 'x.b.example.com'] }] },
    ],
    ['where the first answer of a search is empty', { traps: { surveyEmpty: 'first' } }],
    ['where no answer of a search is empty', { traps: { surveyEmpty: 'never' } }],
    ['where a search takes minutes', { traps: { surveyColdSeconds: 200 } }],
    ['where the account’s limit is low', { rate: 1 }],
    ['where the edge lags behind', { traps: { edgeLagSeconds: 300 } }],
    [
      'where one request may search one region only',
      { resources: [CDN, CLB, BEIJING], traps: { hugeLimit: ['clb'] } },
    ],
    ['on the international site', { traps: { site: 'international' } }],
    [
      'where products are in no count of a search',
      { resources: [CDN, { ...CLB, type: 'tse', instance: 'gateway-1' }] },
    ],
    ['where every third answer is lost or broken', { faults: everyThird }],
  ]
  test.each(cases)('%s', async (_, options) => {
    const host = await renewing(options)
    const outcome = await host.sync()
    expect([stateOf(outcome), exitOf(outcome)]).toEqual(['verified', 0])
    await expectInPlace(host)
    expect(host.emulator.jobs().every(({ finished }) => finished)).toBe(true)
  })
})

test('one run is enough where many resources fill several pages', async () => {
  const many = Array.from({ length: 230 }, (_, i) => ({ ...CDN, domains: [`h${i}.b.example.com`] }))
  const host = await renewing({ resources: many, deploy: { verify: false } })
  const { replacement } = await host.sync()
  expect(replacement?.replacement?.state).toBe('replaced')
  expect(replacement?.replacement?.jobs).toMatchObject([{ total: 230, done: 230, failures: [] }])
  expect(new Set(places(host))).toEqual(new Set([await current(host)]))
  expect(pairsAsked(host)).toHaveLength(1)
})

describe('what does not end in one run is told, and ends in the next', () => {
  interface Case {
    readonly traps?: TrapChoices
    readonly resources?: HostOptions['resources']
    readonly state: string
    readonly exit: number
    readonly later?: TrapChoices
  }
  const cases: ReadonlyArray<readonly [string, Case]> = [
    ['a job of twenty minutes', { traps: { switchToSeconds: 1500 }, state: 'running', exit: 75 }],
    [
      'a scan that is never told to have ended',
      { traps: { scanSeconds: 900 }, state: 'asked', exit: 75, later: { scanSeconds: 60 } },
    ],
    [
      'a record that shows nothing for minutes',
      {
        traps: { recordHiddenSeconds: 300, switchFromSeconds: 310, switchToSeconds: 320 },
        state: 'partly',
        exit: 69,
      },
    ],
    ['a search that fails', { traps: { surveyFailures: 2 }, state: 'surveying', exit: 75 }],
    [
      'a search that is too slow',
      { traps: { surveyColdSeconds: 400 }, state: 'surveying', exit: 75, later: { surveyColdSeconds: 40 } },
    ],
    [
      'a search that is forgotten at once',
      { traps: { surveyKeptSeconds: -1 }, state: 'surveying', exit: 75, later: { surveyKeptSeconds: 3600 } },
    ],
    [
      'a region that cannot be searched',
      {
        traps: { surveyErrors: [{ type: 'cos', region: 'ap-a', message: 'timed out' }] },
        state: 'surveying',
        exit: 75,
        later: { surveyErrors: [] },
      },
    ],
    ['a missing role', { traps: { role: false }, state: 'surveying', exit: 77, later: { role: true } }],
    [
      'a resource that fails twice',
      { resources: [CDN, { ...CLB, fail: { times: 3, message: '\\u5fd9' } }], state: 'partly', exit: 69 },
    ],
  ]
  test.each(cases)('%s', async (_, { traps = {}, later, resources = [CDN, CLB], state, exit }) => {
    const { surveyKeptSeconds } = traps
    const host = await renewing({ resources, traps: surveyKeptSeconds === -1 ? {} : traps })
    setTraps(host, traps)
    const outcome = await host.sync()
    expect([stateOf(outcome), exitOf(outcome)]).toEqual([state, exit])
    setTraps(host, later ?? {})
    host.pass(3600)
    expect((await syncToEnd(host)).at(-1)).toBe('verified')
    await expectInPlace(host)
  })

  test.each([
    ...['CreateCertificateBindResourceSyncTask', 'DescribeCertificateBindResourceTaskResult'],
    ...['DescribeCertificateBindResourceTaskDetail', UPDATE, 'DescribeHostUpdateRecord'],
    ...['DescribeHostUpdateRecordDetail'],
  ])('a missing right to %s', async action => {
    const { accounts, grant } = deny(action)
    const host = await renewing({ accounts })
    const outcome = await host.sync()
    expect(exitOf(outcome)).toBe(77)
    expect(stateOf(outcome)).not.toBe('verified')
    expect(outcome.replacement?.fault?.message).toContain(action)
    expect(sent(host, action)).toHaveLength(1)
    grant()
    host.pass(3600)
    expect((await syncToEnd(host)).at(-1)).toBe('verified')
    await expectInPlace(host)
    expect(pairsAsked(host)).toHaveLength(1)
  })
})

describe('somebody else', () => {
  test('whose job is under way for the same certificate is waited for; what it left is replaced', async () => {
    const host = await renewing()
    const third = await thirdCertificate(host)
    // only the CDN domain is given to the third certificate
    host.emulator.rebind('clb/ap-guangzhou/lb-1/lbl-1/x.b.example.com', third)
    host.emulator.startJob(host.old, third)
    host.emulator.rebind('clb/ap-guangzhou/lb-1/lbl-1/x.b.example.com', host.old)
    const outcome = await host.sync()
    expect(host.log.filter(({ event }) => event === 'replacing')[0]?.msg).toMatch(
      /waiting: record \d+ of the account/,
    )
    expect(places(host)).toEqual([third, await current(host)])
    // what stands on a third certificate is left alone, and not called ours
    expect(stateOf(outcome)).toBe('unverified')
    expect(exitOf(outcome)).toBe(0)
    const asked = sent(host, UPDATE)[0]
    expect(asked?.ResourceTypes).toEqual(['clb'])
  })

  test('who rebinds a resource in the middle of the job keeps it', async () => {
    const host = await renewing()
    const third = await thirdCertificate(host)
    let done = false
    const outcome = await host.sync({
      onPause: () => {
        if (done || host.emulator.jobs().length === 0) return
        done = true
        host.emulator.rebind('cdn/a.example.com', third)
        host.pass(300)
        host.emulator.rebind('cdn/a.example.com', third)
      },
    })
    expect(done).toBe(true)
    expect(places(host)).toEqual([third, await current(host)])
    expect(stateOf(outcome)).toBe('unverified')
    host.pass(DAY)
    await host.sync()
    expect(places(host)[0]).toBe(third)
  })

  test('who has put it in place before is seen: nothing is asked for', async () => {
    const host = await renewing()
    await host.sync({ deploy: { replace: false } })
    const id = await current(host)
    for (const { name } of host.emulator.resources()) host.emulator.rebind(name, id)
    expect(await syncToEnd(host)).toEqual(['verified'])
    expect(sent(host, UPDATE)).toEqual([])
  })

  test('who deletes the older certificate between search and job', async () => {
    const host = await renewing({ names: ['a.example.com'], resources: [CDN] })
    await expect(host.sync(killAfter(host, 'DescribeHostUpdateRecord'))).rejects.toBeInstanceOf(Killed)
    host.emulator.deleteCertificate(host.old)
    const outcome = await host.sync()
    // the resource names a certificate that is gone: nothing that the service could replace, and no success
    expect([stateOf(outcome), exitOf(outcome)]).toEqual(['stale', 69])
    expect(host.log.filter(({ event }) => event === 'replaced')).toEqual([])
    host.emulator.rebind('cdn/a.example.com', await current(host))
    host.pass(3600)
    expect(await syncToEnd(host)).toEqual(['verified'])
  })

  test('who deletes the new certificate between search and job', async () => {
    const host = await renewing({ resources: [CDN] })
    await expect(host.sync(killAfter(host, 'DescribeHostUpdateRecord'))).rejects.toBeInstanceOf(Killed)
    host.emulator.deleteCertificate(await current(host))
    const outcome = await host.sync()
    expect(exitOf(outcome)).toBe(69)
    expect(outcome.replacement?.fault?.advice).toMatch(/Upload it again: certferry sync --force/)
    expect(places(host)).toEqual([host.old])
  })
})

async function thirdCertificate(host: Awaited<ReturnType<typeof renewing>>): Promise<string> {
  const { issue } = await import('../fixtures/certificates.ts')
  const { chain, key } = await issue({ names: ['a.example.com', '*.b.example.com'] })
  return host.emulator.addCertificate({ chain, key })
}
