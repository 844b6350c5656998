/** The edge decides: several addresses of one name, a second algorithm, and what a deletion must not take away. */
import { expect, test } from 'vitest'
import { issue } from '../fixtures/certificates.ts'
import { openHost } from './account.ts'
import { CDN, current, DAY, renewing, sent, stateOf, syncToEnd } from './renewal.ts'

const NAMES = ['a.example.com']

test('one address that stays behind is an alarm, though the others have switched', async () => {
  const host = await renewing({
    names: NAMES,
    resources: [CDN],
    edge: { addresses: ['127.0.0.1', '127.0.0.2'] },
  })
  const verify = host.edge.addresses.map(address => `a.example.com@${address}:${host.edge.port}`)
  host.edge.setLag('never', '127.0.0.2')
  const outcome = await host.sync({ deploy: { verify } })
  expect(stateOf(outcome)).toBe('stale')
  expect(outcome.replacement?.fault?.message).toBe(
    `a.example.com at 127.0.0.2:${host.edge.port} still serves an older certificate`,
  )
  host.edge.setLag(2, '127.0.0.2')
  host.pass(3600)
  expect(stateOf(await host.sync({ deploy: { verify } }))).toBe('verified')
})

test('an older certificate that is a listener’s second one is not deleted, where the service’s search sees that', async () => {
  const host = await renewing({
    ...{ names: NAMES, resources: [CDN], traps: { extensionsHidden: false } },
    deploy: { retire: 'delete', grace_days: 0, keep: 0, verify: false },
  })
  const { chain, key } = await issue({ names: NAMES, kind: 'rsa2048' })
  host.emulator.extend('cdn/a.example.com', host.old)
  host.emulator.addCertificate({ chain, key })
  for (let day = 0; day < 3; day++) {
    await host.sync()
    host.pass(DAY)
  }
  expect(host.emulator.certificates().map(({ id }) => id)).toContain(host.old)
  expect(host.emulator.resources()[0]?.certId).toBe(await current(host))
})

test('an older certificate that only a handshake finds, as a listener’s second one, is not deleted', async () => {
  const host = await openHost({
    ...{ names: NAMES, resources: [CDN] },
    deploy: { retire: 'delete', grace_days: 1, keep: 0 },
  })
  await host.renew(NAMES, { kind: 'rsa2048' })
  await host.sync()
  const old = await current(host)
  host.pass(DAY)
  await host.renew()
  await host.sync()
  // what the search does not see: the older one stays for clients that want RSA
  host.emulator.extend('cdn/a.example.com', old)
  expect(host.emulator.resources()[0]?.certId).toBe(await current(host))
  host.pass(2 * DAY)
  await host.sync()
  expect(host.emulator.certificates().map(({ id }) => id)).toContain(old)
  expect((await host.receipt()).superseded[0]).toMatchObject({ certificateId: old, bound: 'yes' })
})

test('a search of the last half hour may begin a replacement and never ends one', async () => {
  const host = await renewing({ names: NAMES, resources: [CDN] })
  // a moment ago nothing was bound to it, as a plan found out; now it is
  host.emulator.rebind('cdn/a.example.com', host.emulator.addCertificate(await issue({ names: NAMES })))
  await host.sync({ dryRun: true })
  host.emulator.rebind('cdn/a.example.com', host.old)
  host.pass(60)
  await host.sync({ isHurried: true })
  const searches = sent(host, 'CreateCertificateBindResourceSyncTask').map(({ IsCache }) => IsCache)
  expect(searches.slice(0, 3)).toEqual([1, 1, 0])
  expect(host.emulator.resources()[0]?.certId).toBe(await current(host))
  expect((await syncToEnd(host)).at(-1)).toBe('verified')
})
