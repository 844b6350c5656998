/** Superseded certificates are silenced and deleted when they come of age, also long after the replacement. */
import { expect, test } from 'vitest'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { type HostOptions, openHost } from './account.ts'

const DAY = 86_400

const deny = (...denied: readonly string[]): NonNullable<HostOptions['accounts']> => ({
  [DEMO_CREDENTIALS.secretId]: { secretKey: DEMO_CREDENTIALS.secretKey, denied },
})

async function replaced(options: HostOptions = {}) {
  const host = await openHost({
    names: ['a.example.com'],
    resources: [{ type: 'cdn', domains: ['a.example.com'], certId: 'first:a.example.com' }],
    ...options,
  })
  await host.renew()
  await host.sync()
  const [first] = host.emulator.certificates().map(({ id }) => id)
  host.pass(60 * DAY)
  await host.renew()
  expect((await host.sync()).replacement?.replacement?.state).toBe('verified')
  return { ...host, first: first ?? expect.unreachable() }
}

const isThere = ({ emulator }: Awaited<ReturnType<typeof replaced>>, id: string) =>
  emulator.certificates().some(one => one.id === id)

test('what comes of age after it was verified is deleted by the next run, and no request is sent before', async () => {
  const host = await replaced({ deploy: { retire: 'delete', grace_days: 14, keep: 0 } })
  host.pass(13 * DAY)
  const before = host.actions().length
  await host.sync()
  expect(host.actions()).toHaveLength(before)
  expect(isThere(host, host.first)).toBe(true)
  host.pass(2 * DAY)
  await host.sync()
  expect(isThere(host, host.first)).toBe(false)
  expect(host.log.filter(({ event, how }) => event === 'retired' && how === 'deleted')).toHaveLength(1)
  const after = host.actions().length
  await host.sync()
  expect(host.actions()).toHaveLength(after)
})

test('a missing right to delete is reported, and changes nothing of what is in place', async () => {
  const host = await replaced({
    deploy: { retire: 'delete', grace_days: 1, keep: 0 },
    accounts: deny('DeleteCertificate'),
  })
  host.pass(2 * DAY)
  const { replacement } = await host.sync()
  expect(replacement?.replacement?.state).toBe('verified')
  expect(replacement?.fault?.code).toBe('API_FORBIDDEN')
  expect(host.log.filter(({ event }) => event === 'retirement_failed')).toMatchObject([{ level: 'warn' }])
})
