/** The way back: the previous certificate is put where the current one is, and stays there until the next renewal. */

import { describe, expect, test } from 'vitest'
import { issue } from '../fixtures/certificates.ts'
import { type HostOptions, Killed, killAfter, openHost, START } from './account.ts'
import { current, places, renewing } from './renewal.ts'

/** Two certificates, of which the second is in place. */
async function renewedOnce(options: HostOptions = {}) {
  const host = await renewing(options)
  const outcome = await host.sync()
  expect(outcome.replacement?.fault).toBeUndefined()
  return { host, old: host.old, next: await current(host) }
}

describe('a rollback', () => {
  test('puts the previous certificate back everywhere, by the record of the replacement', async () => {
    const { host, old } = await renewedOnce()
    const { replacement, fault } = await host.rollBack()
    expect(fault).toBeUndefined()
    expect(replacement).toMatchObject({
      state: 'held',
      reason: `rolled back to ${old}; the next renewal is put in place again`,
    })
    expect(places(host)).toEqual([old, old])
    expect(host.actions()).toContain('UpdateCertificateRecordRollback')
  })

  test('is held: no later run puts the newer one back, and asks nothing', async () => {
    const { host, old } = await renewedOnce()
    await host.rollBack()
    const before = host.actions().length
    for (const hours of [1, 24, 24 * 14]) {
      host.pass(3600 * hours)
      const { replacement } = await host.sync()
      expect(replacement?.replacement?.state).toBe('held')
      expect(replacement?.fault).toBeUndefined()
    }
    expect(host.actions()).toHaveLength(before)
    expect(places(host)).toEqual([old, old])
  })

  test('ends with the next renewal, which takes the place of both', async () => {
    const { host } = await renewedOnce()
    await host.rollBack()
    host.pass(86_400 * 10)
    await host.renew()
    const { replacement } = await host.sync()
    expect(replacement?.replacement?.state).toBe('verified')
    expect(places(host)).toEqual(Array(2).fill(await current(host)))
  })

  test('ends when an operator replaces with --force, and not without', async () => {
    const { host, old, next } = await renewedOnce()
    await host.rollBack()
    expect((await host.replace()).replacement?.state).toBe('held')
    expect(places(host)).toEqual([old, old])
    const { replacement, fault } = await host.replace({ force: true })
    expect(fault).toBeUndefined()
    expect(replacement?.state).toBe('verified')
    expect(places(host)).toEqual([next, next])
    host.pass(3600)
    expect((await host.sync()).replacement?.replacement?.state).toBe('verified')
  })

  test('asks for the pair the other way round where no record can be rolled back', async () => {
    const { host, old } = await renewedOnce({ deploy: { types: ['cdn'], verify: false } })
    // the record has put the CDN domain there, and a person the listener
    host.emulator.rebind('clb/ap-guangzhou/lb-1/lbl-1/x.b.example.com', (await current(host)) ?? '')
    const { fault } = await host.rollBack()
    expect(fault).toBeUndefined()
    expect(places(host)).toEqual([old, old])
    const sent = host.emulator.journal.filter(({ action }) => action === 'UpdateCertificateInstance')
    expect(sent.at(-1)?.body).toMatchObject({ CertificateId: old, ResourceTypes: ['clb'] })
  })

  test('names what is not back, and does not call it done', async () => {
    const { host, next } = await renewedOnce()
    host.emulator.setState('clb/ap-guangzhou/lb-1/lbl-1/x.b.example.com', 'operating')
    const { fault, replacement } = await host.rollBack()
    expect(fault).toMatchObject({ code: 'REPLACEMENT_FAILED', exit: 69 })
    expect(fault?.message).toMatch(/not everything is back on .*: clb ap-guangzhou lb-1 lbl-1/)
    expect(replacement?.state).toBe('held')
    expect(places(host)[1]).toBe(next)
  })

  test('can be repeated after it was killed, and is followed by no run that replaces', async () => {
    const { host, old } = await renewedOnce()
    for (const deadline of [2, 20, 60, 90]) {
      await host.rollBack({ deadline }).catch(error => expect(error.code).toBe('DEADLINE'))
      const { replacement } = await host.sync()
      expect(replacement?.replacement?.state).toBe('held')
    }
    const { fault, replacement } = await host.rollBack()
    expect(fault).toBeUndefined()
    expect(replacement?.reason).toContain(`rolled back to ${old}`)
    expect(places(host)).toEqual([old, old])
  })

  test('keeps its hold when a run that follows its job runs out of time or is refused', async () => {
    const { host, old } = await renewedOnce()
    await host.rollBack({ deadline: 60 }).catch(() => {})
    await host.sync({ deadline: 3 })
    expect((await host.receipt()).replacement?.state).toBe('held')
    host.pass(3600)
    await host.sync()
    expect((await host.receipt()).replacement?.state).toBe('held')
    expect(places(host)).toEqual([old, old])
  })

  test('during a replacement lets its job end first, and asks for no second one of it', async () => {
    const host = await renewing()
    const { old } = host
    // the scan has begun, and no record is known yet
    const kill = killAfter(host, 'UpdateCertificateInstance')
    await expect(host.sync(kill)).rejects.toBeInstanceOf(Killed)
    expect((await host.receipt()).replacement?.state).toBe('asked')
    const { fault } = await host.rollBack()
    expect(fault).toBeUndefined()
    host.pass(3600)
    await host.sync()
    expect(places(host)).toEqual([old, old])
    expect(host.emulator.jobs()).toEqual([])
  })

  test('beside a daemon that verifies: the daemon neither overwrites the hold nor puts the new one back', async () => {
    const host = await renewing()
    const { old } = host
    let rolledBack: Promise<unknown> | undefined
    const { replacement } = await host.sync({
      onPause: async ms => {
        // between the two rounds of handshakes
        if (ms !== 30_000 || rolledBack) return
        rolledBack = host.rollBack()
        await rolledBack
      },
    })
    expect(rolledBack).toBeDefined()
    expect(replacement?.replacement?.state).toBe('held')
    expect((await host.receipt()).replacement?.state).toBe('held')
    host.pass(86_400)
    await host.sync()
    expect(places(host)).toEqual([old, old])
  })

  test('goes back to no certificate that has ended', async () => {
    const { host } = await renewedOnce()
    host.pass(86_400 * 40)
    await expect(host.rollBack()).rejects.toMatchObject({ code: 'EXPIRED' })
    expect((await host.receipt()).replacement?.state).toBe('verified')
  })

  test('of what is bound nowhere is refused, and holds nothing', async () => {
    const host = await openHost()
    await host.renew()
    await host.sync()
    await expect(host.rollBack()).rejects.toMatchObject({ code: 'LINEAGE_UNKNOWN', exit: 66 })
    host.pass(3600)
    await host.renew()
    await host.sync()
    await expect(host.rollBack()).rejects.toMatchObject({ code: 'REPLACEMENT_FAILED' })
    expect((await host.receipt()).replacement?.state).toBe('nothing-bound')
  })
})

test('what the current certificate took the place of comes back, though another was uploaded between', async () => {
  const names = ['a.example.com', 'c.example.com']
  const before = await issue({
    names,
    notBefore: new Date(START - 86_400_000),
    notAfter: new Date(START + 70 * 86_400_000),
  })
  const host = await openHost({
    names,
    certificates: [{ id: 'befoAAA1', chain: before.chain, key: before.key }],
    resources: names.map(name => ({ type: 'cdn', domains: [name], certId: 'befoAAA1' })),
    deploy: { replaces: ['befoAAA1'] },
  })
  const places = () => host.emulator.resources().map(({ certId }) => certId)
  // never bound: it lacks a name
  await host.renew(['a.example.com'])
  expect((await host.sync()).replacement?.replacement?.state).toBe('uncovered')
  host.pass(86_400)
  await host.renew()
  expect((await host.sync()).replacement?.replacement?.state).toBe('verified')
  expect(places()).not.toContain('befoAAA1')
  const { fault } = await host.rollBack()
  expect(fault).toBeUndefined()
  expect(places()).toEqual(['befoAAA1', 'befoAAA1'])
})
