/** A renewed certificate takes the place of the older one, against the emulator's account and its TLS edge. */
import { expect, test } from 'vitest'
import { openHost } from './account.ts'
import { DAY, expectInPlace, renewing } from './renewal.ts'

const RESOURCES = [
  { type: 'cdn', domains: ['a.example.com'], certId: 'first:a.example.com' },
  {
    type: 'clb',
    region: 'ap-guangzhou',
    instance: 'lb-1',
    listener: 'lbl-1',
    domains: ['x.b.example.com'],
    certId: 'first:a.example.com',
  },
] as const

test('a renewal is put in place wherever the older certificate was, and verified', async () => {
  const host = await openHost({ resources: RESOURCES })
  await host.renew()
  expect((await host.sync()).replacement?.replacement?.state).toBeUndefined()
  host.pass(86_400 * 60)
  await host.renew()
  const outcome = await host.sync()
  expect(outcome.replacement?.fault).toBeUndefined()
  expect(outcome.replacement?.replacement).toMatchObject({
    state: 'verified',
    to: (outcome as { certificateId: string }).certificateId,
  })
  expect(host.emulator.resources().map(({ certId }) => certId)).toEqual(
    Array(2).fill((outcome as { certificateId: string }).certificateId),
  )
})

test('an older ID that a person has bound again since is replaced with the next renewal', async () => {
  const host = await renewing()
  await host.sync()
  host.pass(60 * DAY)
  await host.renew()
  await host.sync()
  await expectInPlace(host)
  host.emulator.rebind('cdn/a.example.com', host.old)
  host.pass(60 * DAY)
  await host.renew()
  expect((await host.sync()).replacement?.from).toContain(host.old)
  await expectInPlace(host)
})
