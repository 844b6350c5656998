/** Which certificate a rollback puts back: the one that served, and not one that was uploaded and never bound. */
import { expect, test } from 'vitest'
import { issue } from '../fixtures/certificates.ts'
import { openHost, START } from './account.ts'

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
