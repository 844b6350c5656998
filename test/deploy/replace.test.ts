/** A renewed certificate takes the place of the older one, against the emulator's account and its TLS edge. */

import { expect, test } from 'vitest'
import { deploySettings } from '../../src/config/deploy.ts'
import { replaceAll } from '../../src/deploy/replaceAll.ts'
import type { Replacer } from '../../src/deploy/replacer.ts'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { enter, newReplacement, REPLACEMENT_STATES } from '../../src/receipts/replacement.ts'
import type { Lineage } from '../../src/sources/lineage.ts'
import type { Outcome } from '../../src/upload/outcome.ts'
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

const NOW = new Date('2026-06-15T12:00:00Z')
const LINEAGE = { id: 'pem:a', deploy: deploySettings({ replace: true }) } as Lineage
const OUTCOME = { outcome: 'unchanged', lineage: 'pem:a' } as Outcome

test('a step is named while it lasts; a state in which nothing is waited for names none', async () => {
  const texts: string[] = []
  const replacer = {
    examine: async () => ({ due: [LINEAGE], others: new Map() }),
    replace: async (_, { onChange }) => {
      const begun = newReplacement('newBBBB2', NOW)
      for (const state of REPLACEMENT_STATES) onChange?.(enter(begun, state, NOW))
      return { replacement: begun, from: [] }
    },
  } as Partial<Replacer> as Replacer
  const onProgress = (text: string) => texts.push(text)
  await replaceAll([LINEAGE], [OUTCOME], async () => replacer, {
    dryRun: false,
    isHurried: false,
    onProgress,
  })
  const shown = Object.fromEntries(REPLACEMENT_STATES.map((state, i) => [state, texts[i]]))
  expect(shown).toMatchObject({
    surveying: 'pem:a: searching for what uses the older certificate',
    asked: 'pem:a: the service has been asked to replace it',
    running: 'pem:a: the service has begun to replace it',
    foreign: 'pem:a: waiting for another job of the account',
    replaced: 'pem:a: in place; asking its addresses',
  })
  for (const state of [
    'none',
    'nothing-bound',
    'uncovered',
    'untrusted',
    'partly',
    'verified',
    'stale',
    'held',
  ])
    expect(shown[state], state).toBe('')
  expect(texts.at(-1)).toBe('')
})

test('a retry that did not get through is sent by the next run, which follows the same record', async () => {
  let isBlocked = true
  const host = await openHost({
    names: ['a.example.com'],
    resources: [
      {
        ...{ type: 'cdn', domains: ['a.example.com'], certId: 'first:a.example.com' },
        fail: { times: 1, message: 'busy' },
      },
    ],
    faults: ({ action }) =>
      isBlocked && action === 'UpdateCertificateRecordRetry' ? 'reset-before' : undefined,
  })
  await host.renew()
  await host.sync()
  host.pass(86_400 * 60)
  await host.renew()
  const { replacement } = await host.sync({ deadline: 600 })
  expect(replacement?.fault?.exit).toBe(75)
  isBlocked = false
  expect((await host.sync()).replacement?.replacement?.state).toBe('verified')
  expect(host.emulator.jobs()).toHaveLength(1)
})

test.each([
  'CreateCertificateBindResourceSyncTask',
  'DescribeCertificateBindResourceTaskResult',
  'DescribeCertificateBindResourceTaskDetail',
  'DescribeHostUpdateRecord',
  'UpdateCertificateInstance',
  'DescribeHostUpdateRecordDetail',
])('without the right to %s the advice names that action, and nothing is lost', async action => {
  const denied = [action]
  const host = await openHost({
    names: ['a.example.com'],
    resources: [{ type: 'cdn', domains: ['a.example.com'], certId: 'first:a.example.com' }],
    accounts: { [DEMO_CREDENTIALS.secretId]: { secretKey: DEMO_CREDENTIALS.secretKey, denied } },
  })
  await host.renew()
  await host.sync()
  host.pass(60 * 86_400)
  await host.renew()
  const { replacement } = await host.sync()
  expect(replacement?.fault).toMatchObject({ code: 'API_FORBIDDEN', exit: 77 })
  expect(replacement?.fault?.advice).toBe(
    `Allow this key the action ssl:${action}: docs/deploy.md has the policy to paste.`,
  )
  denied.pop()
  expect((await host.sync()).replacement?.replacement?.state).toBe('verified')
})
