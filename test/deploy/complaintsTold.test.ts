/** What users of other tools complain of, continued: what they are told, and what is never touched. */
import { describe, expect, test } from 'vitest'
import type { Host } from './account.ts'
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
  stateOf,
  syncToEnd,
} from './renewal.ts'

const UPDATE = 'UpdateCertificateInstance'

const RETIREMENT = ['ModifyCertificatesExpiringNotificationSwitch', 'DeleteCertificate']

describe('tell me why', () => {
  test('it cannot go there: a host that is not covered is named with its listener, before anything is asked', async () => {
    const host = await renewing()
    await host.renew(['a.example.com'])
    const { replacement } = await host.sync()
    expect(replacement?.fault).toMatchObject({ code: 'NOT_COVERED', exit: 65 })
    expect(replacement?.fault?.message).toBe('it does not cover x.b.example.com (clb lb-1 lbl-1)')
    expect(sent(host, UPDATE)).toEqual([])
    // a certificate with the name ends it
    host.pass(DAY)
    await host.renew()
    expect(await syncToEnd(host)).toEqual(['verified'])
  })

  test('a wildcard of another depth does not cover', async () => {
    const host = await renewing({ resources: [{ ...CDN, domains: ['a.example.com'] }] })
    await host.renew(['*.a.example.com'])
    expect(stateOf(await host.sync())).toBe('uncovered')
    host.pass(DAY)
    await host.renew(['*.example.com'])
    await host.sync()
    expect(places(host)).toEqual([await current(host)])
  })

  test('the rest may go, where I say so; what is not covered keeps its certificate', async () => {
    const host = await renewing({ deploy: { allow_uncovered: true, verify: false } })
    await host.renew(['a.example.com'])
    const outcome = await host.sync()
    expect([stateOf(outcome), exitOf(outcome)]).toEqual(['replaced', 0])
    expect(places(host)).toEqual([await current(host), host.old])
    const asked = host.actions().length
    host.pass(DAY)
    await host.sync()
    expect(host.actions()).toHaveLength(asked)
  })

  test('a staging certificate must not go live, unless I say so', async () => {
    const host = await renewing({ deploy: { allow_untrusted: false } })
    const { replacement } = await host.sync()
    expect(replacement?.fault).toMatchObject({ code: 'NOT_TRUSTED', exit: 65 })
    expect(places(host)).toEqual([host.old, host.old])
    expect(sent(host, UPDATE)).toEqual([])
    host.pass(3600)
    expect(stateOf(await host.sync({ deploy: { allow_untrusted: true } }))).toBe('verified')
  })

  test('a right is missing: red, with the action, and never taken for success', async () => {
    const { accounts } = deny('DescribeHostUpdateRecordDetail')
    const host = await renewing({ accounts })
    const { replacement } = await host.sync()
    expect(replacement?.fault).toMatchObject({ code: 'API_FORBIDDEN', exit: 77 })
    expect(replacement?.fault?.message).toContain('DescribeHostUpdateRecordDetail')
    expect(host.log.some(({ event }) => event === 'replaced')).toBe(false)
  })

  test('the role is missing: another word than names or nothing bound', async () => {
    const host = await renewing({ traps: { role: false } })
    const { replacement } = await host.sync()
    expect(replacement?.fault).toMatchObject({ code: 'API_ROLE_MISSING', exit: 77 })
  })

  test('with the request ID, so that support can find it', async () => {
    const { accounts, grant } = deny(UPDATE)
    const host = await renewing({ accounts })
    expect((await host.sync()).replacement?.fault?.requestId).toMatch(/^[0-9a-f-]{36}$/)
    grant()
    await host.sync()
    expect((await host.receipt()).replacement?.jobs[0]?.requestId).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('which ID took the place of which, on how many resources, by which record', async () => {
    const host = await renewing()
    await host.sync()
    const [line] = host.log.filter(({ event }) => event === 'replaced')
    expect(line).toMatchObject({
      ...{
        level: 'info',
        certificateId: await current(host),
        from: [host.old],
        total: 2,
        done: 2,
        failed: 0,
      },
      recordId: String(host.emulator.jobs()[0]?.id),
      seconds: expect.any(Number),
    })
  })
})

describe('do not touch', () => {
  test('other resources: what another certificate serves stays', async () => {
    const host = await renewing({ resources: [CDN, { ...CLB, certId: 'first:never.example.org' }] })
    const { issue } = await import('../fixtures/certificates.ts')
    const { chain, key } = await issue({ names: ['x.b.example.com'] })
    const third = host.emulator.addCertificate({ chain, key })
    host.emulator.rebind('clb/ap-guangzhou/lb-1/lbl-1/x.b.example.com', third)
    await host.sync()
    expect(places(host)).toEqual([await current(host), third])
  })

  test('the ECC certificate when the RSA one is renewed: lineages with equal names never cross over', async () => {
    const rsa = { ...CDN, certId: 'alias:pem:rsa' } as const
    const host = await renewing({
      names: ['a.example.com'],
      resources: [CDN, { ...rsa, name: 'rsa', domains: ['*.b.example.com'] }],
      deploy: { verify: false, allow_uncovered: true },
    })
    const ids = async () => [
      (await host.receipt('a')).uploaded?.certificateId,
      (await host.receipt('rsa')).uploaded?.certificateId,
    ]
    await host.sync()
    await host.renew(['a.example.com', '*.b.example.com'], { lineage: 'rsa', kind: 'rsa2048' })
    await host.sync({ lineage: 'rsa' })
    const [, firstRsa] = await ids()
    host.emulator.rebind('rsa', firstRsa ?? '')
    for (let renewal = 0; renewal < 3; renewal++) {
      host.pass(60 * DAY)
      const isRsa = renewal % 2 === 0
      await host.renew(['a.example.com', '*.b.example.com'], isRsa ? { lineage: 'rsa', kind: 'rsa2048' } : {})
      await host.sync({ lineage: isRsa ? 'rsa' : 'a' })
      expect(places(host)).toEqual(await ids())
    }
  })

  test('a newer certificate: an older one on disk never takes its place', async () => {
    const host = await renewing()
    await syncToEnd(host)
    const newest = await current(host)
    const { issue } = await import('../fixtures/certificates.ts')
    const older = await issue({
      names: ['a.example.com', '*.b.example.com'],
      notBefore: new Date(host.now() - 80 * DAY * 1000),
      notAfter: new Date(host.now() + 9 * DAY * 1000),
    })
    await host.write(older)
    await host.sync()
    expect(places(host)).toEqual([newest, newest])
    await host.replace({ force: true })
    expect(places(host)).toEqual([newest, newest])
    // and the next one finds it
    host.pass(DAY)
    await host.renew()
    expect(await syncToEnd(host)).toEqual(['verified'])
    await expectInPlace(host)
  })

  test('products that I hold back', async () => {
    for (const deploy of [{ types: ['cdn'] }, { except: ['clb'] }]) {
      const host = await renewing({ deploy: { ...deploy, verify: false } })
      expect(stateOf(await host.sync())).toBe('replaced')
      expect(places(host)).toEqual([await current(host), host.old])
      expect(
        sent(host, UPDATE).every(({ ResourceTypes }) => JSON.stringify(ResourceTypes) === '["cdn"]'),
      ).toBe(true)
    }
  })

  test('my old certificates, unless I ask for it', async () => {
    const host = await renewing()
    await syncToEnd(host)
    host.pass(400 * DAY)
    await host.sync()
    expect(host.actions().filter(action => RETIREMENT.includes(action))).toEqual([])
  })

  test('the reminders of the certificate that serves', async () => {
    const host = await renewing({ deploy: { retire: 'silence' } })
    await syncToEnd(host)
    expect(sent(host, 'ModifyCertificatesExpiringNotificationSwitch')).toEqual([
      { CertificateIds: [host.old], SwitchStatus: 1 },
    ])
    expect(
      sent(host, UPDATE).every(({ ExpiringNotificationSwitch }) => ExpiringNotificationSwitch === 0),
    ).toBe(true)
  })
})

describe('and it works where it used not to', () => {
  test('a certificate that another host has uploaded is put in place all the same', async () => {
    const host = await renewing()
    const { chain, key } = await host.renew()
    const uploaded = host.emulator.addCertificate({ chain, key })
    expect(await syncToEnd(host)).toEqual(['verified'])
    expect(await current(host)).toBe(uploaded)
    await expectInPlace(host)
  })

  test('no run uploads another copy', async () => {
    const host = await renewing()
    for (let run = 0; run < 4; run++) {
      await host.sync()
      host.pass(DAY)
    }
    expect(host.emulator.certificates()).toHaveLength(2)
    expect(pairsAsked(host)).toHaveLength(1)
  })

  test.each([
    ['a bucket’s own domain', { ...CLB, type: 'cos', instance: 'bucket-1', listener: undefined }],
    ['EdgeOne', { ...CDN, type: 'teo', instance: 'zone-1', domains: ['x.b.example.com'] }],
    ['a secret of a cluster', { ...CLB, type: 'tke', instance: 'cls-1', listener: 'secret-1' }],
    ['CloudBase', { ...CLB, type: 'tcb', instance: 'env-1', listener: undefined }],
  ] as const)('%s is replaced as any other', async (_, { listener, ...resource }) => {
    const more = { ...resource, ...(listener && { listener }) }
    const host = await renewing({ resources: [CDN, more as never] })
    expect(await syncToEnd(host)).toEqual(['verified'])
    await expectInPlace(host)
  })

  test('what a person has moved by hand is not moved back', async () => {
    const host: Host & { readonly old: string } = await renewing()
    await syncToEnd(host)
    host.emulator.rebind('cdn/a.example.com', host.old)
    host.pass(DAY)
    await host.sync()
    expect(places(host)[0]).toBe(host.old)
    // a person can ask for it
    await host.replace()
    expect(places(host)[0]).toBe(await current(host))
  })
})
