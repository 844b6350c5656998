/** When live traffic is not changed: where nothing asks for it, in a dry run, and where the new certificate must not go live. */
import { expect, test } from 'vitest'
import type { DeployKeys } from '../../src/config/deploy.ts'
import { openHost } from './account.ts'

const NAMES = ['a.example.com', 'b.example.com']

/** Actions that change the account. */
const CHANGES = /^(Update|Delete|Modify|Deploy)/

async function renewed(deploy: DeployKeys, names: readonly string[] = NAMES) {
  const host = await openHost({
    names: NAMES,
    resources: NAMES.map(name => ({ type: 'cdn', domains: [name], certId: `first:${name}` })),
    deploy,
  })
  await host.renew()
  await host.sync({ deploy: { replace: false } })
  const [old] = host.emulator.certificates().map(({ id }) => id)
  host.pass(60 * 86_400)
  await host.renew(names)
  return { ...host, old }
}

test('with replace off a renewal is uploaded, and nothing else is sent or asked', async () => {
  const host = await renewed({ replace: false })
  expect((await host.sync()).replacement).toBeUndefined()
  expect(host.actions()).toEqual(['UploadCertificate', 'UploadCertificate'])
  expect(host.edge.handshakes).toEqual([])
})

test('a dry run names what would be replaced, and changes neither account nor state', async () => {
  const host = await renewed({})
  const before = JSON.stringify(await host.receipt())
  const { replacement } = await host.sync({ dryRun: true })
  expect(replacement?.planned?.map(({ domains }) => domains.join())).toEqual(NAMES)
  expect(host.actions().filter(action => CHANGES.test(action))).toEqual([])
  expect(host.edge.handshakes).toEqual([])
  expect(JSON.stringify(await host.receipt())).toBe(before)
})

test.each<[string, DeployKeys, readonly string[], string]>([
  ['whose chain leads to no public root', { allow_untrusted: false }, NAMES, 'untrusted'],
  ['that lacks a name of a resource', {}, ['a.example.com'], 'uncovered'],
])('a certificate %s is put nowhere', async (_, deploy, names, state) => {
  const host = await renewed(deploy, names)
  const { replacement } = await host.sync()
  expect(replacement?.replacement?.state).toBe(state)
  expect(replacement?.fault?.exit).toBe(65)
  expect(host.actions().filter(action => CHANGES.test(action))).toEqual([])
  expect(host.emulator.resources().map(({ certId }) => certId)).toEqual([host.old, host.old])
})
