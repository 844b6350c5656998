/** Which certificates may be deleted: those of this host that are superseded, old enough and proved to be unused; each with the service's check. */
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { deploySettings } from '../../src/config/deploy.ts'
import { retirable } from '../../src/deploy/retire.ts'
import { emptyReceipt, type Receipt, type Superseded } from '../../src/receipts/receipt.ts'
import { newReplacement } from '../../src/receipts/replacement.ts'
import { openHost } from './account.ts'

const DAY = 86_400
const NOW = new Date('2026-06-15T12:00:00Z')
const agoDays = (days: number) => new Date(NOW.getTime() - days * DAY * 1000).toISOString()

const OLD: Superseded = {
  certificateId: 'oldAAAA1',
  fingerprint: 'f',
  uploadedAt: agoDays(80),
  supersededAt: agoDays(20),
  notAfter: agoDays(-10),
  endpoint: 'ssl.example',
  reused: false,
  bound: 'no',
}

const receiptWith = (old: Partial<Superseded>, state: 'verified' | 'unverified' | 'stale' | 'partly') => {
  const uploaded = { certificateId: 'newBBBB2', endpoint: 'ssl.example' } as Receipt['uploaded']
  return {
    ...emptyReceipt('a'),
    uploaded,
    superseded: [{ ...OLD, ...old }],
    replacement: { ...newReplacement('newBBBB2', NOW), state, replacedAt: agoDays(20) },
  } as Receipt
}

const removed = (
  old: Partial<Superseded>,
  {
    state = 'verified' as const,
    others = [] as readonly Receipt[],
    keep = 0,
    retire = 'delete' as const,
  } = {},
) =>
  retirable(
    receiptWith(old, state),
    others,
    { deploy: deploySettings({ retire, keep, grace_days: 14 }) },
    NOW,
  ).remove

test('a superseded certificate of this host that nothing uses is deleted after the grace period', () => {
  expect(removed({})).toEqual(['oldAAAA1'])
})

test.each<[string, Partial<Superseded>]>([
  ['that was in the account before', { reused: true }],
  ['whose origin is not known', { reused: undefined as never }],
  ['that is bound', { bound: 'yes' }],
  ['of which it is not known whether it is bound', { bound: undefined as never }],
  ['of another endpoint', { endpoint: 'ssl.other.example' }],
  ['that is current', { certificateId: 'newBBBB2' }],
  ['that was superseded less than grace_days ago', { supersededAt: agoDays(13) }],
])('a certificate %s is not deleted', (_, old) => {
  expect(removed(old)).toEqual([])
})

test.each(['unverified', 'stale', 'partly'] as const)('nothing is deleted in the state %s', state => {
  expect(removed({}, { state: state as never })).toEqual([])
})

test('one of the newest `keep`, or one that another lineage uses, is not deleted', () => {
  expect(removed({}, { keep: 1 })).toEqual([])
  const other = { ...emptyReceipt('b'), uploaded: { certificateId: 'oldAAAA1' } } as Receipt
  expect(removed({}, { others: [other] })).toEqual([])
})

test('nothing is deleted unless retire says so', () => {
  expect(removed({}, { retire: 'keep' as never })).toEqual([])
  expect(removed({}, { retire: 'silence' as never })).toEqual([])
})

test.each(['mainland', 'international'] as const)(
  'every deletion that is sent has the check of the service (%s site)',
  async site => {
    const host = await openHost({
      names: ['a.example.com'],
      resources: [{ type: 'cdn', domains: ['a.example.com'], certId: 'first:a.example.com' }],
      traps: { site },
      deploy: { retire: 'delete', grace_days: 1, keep: 0 },
    })
    await host.renew()
    await host.sync()
    host.pass(60 * DAY)
    await host.renew()
    await host.sync()
    host.pass(2 * DAY)
    await host.sync()
    const sent = host.emulator.journal.filter(({ action }) => action === 'DeleteCertificate')
    expect(sent.length).toBeGreaterThan(0)
    expect(sent.every(({ body }) => body.IsCheckResource === true)).toBe(true)
    expect(host.emulator.certificates()).toHaveLength(1)
  },
)

test('one place in the program makes a deletion', async () => {
  const names = (await readdir('src', { recursive: true })).filter(
    name => name.endsWith('.ts') && !name.startsWith('emulator/'),
  )
  const texts = await Promise.all(
    names.map(async name => [name, await readFile(`src/${name}`, 'utf8')] as const),
  )
  const places = texts.filter(([, text]) => /'DeleteCertificates?'/.test(text)).map(([name]) => name)
  expect(places).toEqual(['deploy/requests.ts'])
})
