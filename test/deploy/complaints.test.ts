/** What users of other tools complain of, each as a test of what they want instead. The rest is in complaintsTold.test.ts. */
import { describe, expect, test } from 'vitest'
import { Killed, killAfter } from './account.ts'
import {
  CDN,
  CLB,
  current,
  DAY,
  expectInPlace,
  pairsAsked,
  places,
  renewing,
  sent,
  stateOf,
  syncToEnd,
} from './renewal.ts'

const UPDATE = 'UpdateCertificateInstance'

const busy = { ...CLB, fail: { times: 'always', message: 'ResourceInOperating' } } as const

describe('I set it up once', () => {
  test('and the third renewal goes as the first: no ID is ever typed', async () => {
    const host = await renewing()
    for (let renewal = 1; renewal <= 3; renewal++) {
      await host.renew()
      expect(await syncToEnd(host)).toEqual(['verified'])
      await expectInPlace(host)
      host.pass(60 * DAY)
    }
    expect(pairsAsked(host)).toHaveLength(3)
  })

  test('with one key: no region, no domain, no ID, no product', async () => {
    const host = await renewing({ deploy: { replaces: [], types: undefined } })
    expect(await syncToEnd(host)).toEqual(['verified'])
    expect(sent(host, UPDATE)[0]).toMatchObject({
      ResourceTypes: ['cdn', 'clb'],
      ResourceTypesRegions: [{ ResourceType: 'clb', Regions: ['ap-guangzhou'] }],
    })
  })

  test('and name once the certificate that stood there before: from then on it is found by itself', async () => {
    const host = await renewing({ names: ['a.example.com'], resources: [CDN] })
    const { issue } = await import('../fixtures/certificates.ts')
    const { chain, key } = await issue({ names: ['a.example.com'] })
    const before = host.emulator.addCertificate({ chain, key })
    host.emulator.rebind('cdn/a.example.com', before)
    expect(stateOf(await host.sync())).toBe('nothing-bound')
    const deploy = { replaces: [before] }
    expect(stateOf(await host.sync({ deploy }))).toBe('verified')
    await expectInPlace(host)
    // and is not searched for in each run
    const asked = host.actions().length
    host.pass(DAY)
    await host.sync({ deploy })
    expect(host.actions()).toHaveLength(asked)
  })

  test('a resource that I bind in the console later needs no change here', async () => {
    const host = await renewing({ resources: [CDN, { ...CLB, certId: 'first:never.example.org' }] })
    expect(stateOf(await host.sync())).toBe('unverified')
    host.emulator.rebind('clb/ap-guangzhou/lb-1/lbl-1/x.b.example.com', await current(host))
    host.pass(60 * DAY)
    await host.renew()
    expect(await syncToEnd(host)).toEqual(['verified'])
    await expectInPlace(host)
  })

  test('upload only, please: then nothing else is sent', async () => {
    const host = await renewing({ deploy: { replace: false } })
    await host.sync()
    host.pass(DAY)
    await host.sync()
    expect(new Set(host.actions())).toEqual(new Set(['UploadCertificate']))
  })

  test('and rights of the SSL service are enough', async () => {
    const host = await renewing({ deploy: { retire: 'delete', grace_days: 0, keep: 0 } })
    await syncToEnd(host)
    await host.rollBack().catch(() => {})
    const allowed =
      /^(UploadCertificate|CreateCertificateBindResourceSyncTask|DescribeCertificateBindResourceTask(Result|Detail)|UpdateCertificateInstance|DescribeHostUpdateRecord(Detail)?|UpdateCertificateRecord(Retry|Rollback)|ModifyCertificatesExpiringNotificationSwitch|DeleteCertificate|DescribeDeleteCertificatesTaskResult)$/
    for (const action of host.actions()) expect(action).toMatch(allowed)
  })
})

describe('green means that it is served', () => {
  test('a job that exists is not done: nothing is told to be in place before the last resource has switched', async () => {
    const host = await renewing({ traps: { switchFromSeconds: 100, switchToSeconds: 110 } })
    const early: string[] = []
    await host.sync({
      onPause: () => {
        const isInPlace = new Set(places(host)).size === 1 && places(host)[0] !== host.old
        if (!isInPlace)
          early.push(...host.log.filter(({ event }) => event === 'replaced').map(({ msg }) => msg))
      },
    })
    expect(early).toEqual([])
    expect(host.log.some(({ event }) => event === 'replaced')).toBe(true)
  })

  test('0 of 0 is not done', async () => {
    const host = await renewing({ traps: { recordHiddenSeconds: 90 } })
    await host.sync({ deadline: 110 })
    const { replacement } = await host.receipt()
    expect(replacement).toMatchObject({ state: 'running', jobs: [{ total: 0, done: 0 }] })
    expect(host.log.some(({ event }) => event === 'replaced')).toBe(false)
  })

  test('and nothing bound is a word of its own', async () => {
    const host = await renewing({ resources: [] })
    const outcome = await host.sync()
    expect(stateOf(outcome)).toBe('nothing-bound')
    expect(host.log.filter(({ event }) => event === 'nothing_bound')).toHaveLength(1)
    expect(sent(host, UPDATE)).toEqual([])
  })

  test('a resource that was left out is told by name, with 69, at each run', async () => {
    const host = await renewing({ resources: [CDN, busy] })
    for (let run = 1; run <= 2; run++) {
      const { replacement } = await host.sync()
      expect(replacement?.fault).toMatchObject({ code: 'REPLACEMENT_FAILED', exit: 69 })
      expect(replacement?.fault?.message).toMatch(
        /clb ap-guangzhou lb-1 lbl-1.* still uses .*ResourceInOperating/,
      )
      host.pass(DAY)
    }
  })

  test('what is in place already is a success, each day', async () => {
    const host = await renewing()
    await syncToEnd(host)
    for (let day = 1; day <= 3; day++) {
      host.pass(DAY)
      expect(stateOf(await host.sync())).toBe('verified')
      expect((await host.replace()).fault).toBeUndefined()
    }
    expect(pairsAsked(host)).toHaveLength(1)
  })

  test('an edge that still serves the old one is the loudest alarm', async () => {
    const host = await renewing()
    host.edge.setLag('never')
    const { replacement } = await host.sync()
    expect(replacement?.fault).toMatchObject({ code: 'EDGE_STALE', exit: 69 })
    expect(host.log.find(({ event }) => event === 'edge_stale')?.level).toBe('error')
    host.edge.setLag(2)
    host.pass(3600)
    expect(await syncToEnd(host)).toEqual(['verified'])
  })
})

describe('what goes wrong half-way', () => {
  test('does not wedge it: a job that ended unseen is recognised', async () => {
    const host = await renewing()
    await expect(host.sync(killAfter(host, UPDATE, 3))).rejects.toBeInstanceOf(Killed)
    host.pass(600)
    expect(await syncToEnd(host)).toEqual(['verified'])
    await expectInPlace(host)
    expect(host.emulator.jobs()).toHaveLength(1)
  })

  test('leaves no generation on an ID that nobody remembers', async () => {
    const host = await renewing({ resources: [CDN, { ...CLB, fail: { times: 4, message: 'busy' } }] })
    await host.sync()
    expect(places(host)[1]).toBe(host.old)
    // two more renewals: the resources stand on two generations
    host.pass(60 * DAY)
    await host.renew()
    await host.sync()
    expect(new Set(places(host)).size).toBe(2)
    host.pass(60 * DAY)
    await host.renew()
    expect((await syncToEnd(host)).at(-1)).toBe('verified')
    await expectInPlace(host)
  })

  test('of one resource does not stop the others', async () => {
    const host = await renewing({ resources: [busy, CDN] })
    await host.sync()
    expect(places(host)).toEqual([host.old, await current(host)])
  })

  test('is one job for all products, never two at once for one ID', async () => {
    const host = await renewing({ resources: [CDN, CLB, { ...CDN, type: 'teo', instance: 'zone-1' }] })
    await syncToEnd(host)
    expect(host.emulator.jobs()).toHaveLength(1)
    expect(sent(host, UPDATE)[0]?.ResourceTypes).toEqual(['cdn', 'clb', 'teo'])
  })

  test('on a busy listener is asked for again until it is free', async () => {
    const host = await renewing()
    host.emulator.setState('clb/ap-guangzhou/lb-1/lbl-1/x.b.example.com', 'operating')
    expect(stateOf(await host.sync())).toBe('partly')
    host.emulator.setState('clb/ap-guangzhou/lb-1/lbl-1/x.b.example.com', 'idle')
    expect(await syncToEnd(host)).toEqual(['verified'])
  })
})
