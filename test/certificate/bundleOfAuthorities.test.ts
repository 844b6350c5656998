import { describe, expect, test } from 'vitest'
import { parseBundle } from '../../src/certificate/bundle.ts'
import { emptyReceipt } from '../../src/receipts/receipt.ts'
import { decide } from '../../src/upload/decision.ts'
import { pemOf } from '../fixtures/authority.ts'
import { newKey } from '../fixtures/keys.ts'
import { type CaWish, ca, constraints, faultOf, filesOf, keyUsage } from '../fixtures/samples.ts'

const NOW = new Date('2026-03-01T00:00:00Z')
const date = (text: string) => new Date(`${text}T00:00:00Z`)
const from = (notBefore: string, notAfter: string) => ({
  notBefore: date(notBefore),
  notAfter: date(notAfter),
})
const EXPIRED = from('2016-01-01', '2026-01-01')
const LONG = from('2020-01-01', '2040-01-01')
const SHORT = from('2021-01-01', '2027-01-01')
const EARLY = from('2026-06-01', '2046-01-01')

async function bundleOf(...wishes: readonly CaWish[]) {
  const all = await Promise.all(wishes.map((wish, i) => ca(`ca ${i}`, undefined, newKey(), wish)))
  return parseBundle(filesOf(all.map(pemOf).join('')), NOW)
}
async function decided(...wishes: readonly CaWish[]) {
  const bundle = await bundleOf(...wishes)
  const asked = { now: NOW, force: false, endpoint: 'e', settings: 's' }
  const decision = decide(bundle, emptyReceipt('l'), asked)
  return {
    does: decision.do === 'refuse' ? decision.fault.message : decision.do,
    until: bundle.notAfter.toISOString().slice(0, 10),
    flaws: bundle.flaws,
  }
}

describe('a file of CA certificates', () => {
  test.each<readonly [string, readonly CaWish[], Awaited<ReturnType<typeof decided>>]>([
    [
      'is sent as long as one of them is valid, whichever stands first',
      [EXPIRED, LONG],
      { does: 'upload', until: '2040-01-01', flaws: ['CN=ca 0 expired on 2026-01-01'] },
    ],
    [
      'says which of the others has expired',
      [LONG, EXPIRED],
      { does: 'upload', until: '2040-01-01', flaws: ['CN=ca 1 expired on 2026-01-01'] },
    ],
    ['ends when the first of them ends', [LONG, SHORT], { does: 'upload', until: '2027-01-01', flaws: [] }],
    [
      'is sent though the first is not valid yet',
      [EARLY, SHORT],
      { does: 'upload', until: '2027-01-01', flaws: ['CN=ca 0 is not valid before 2026-06-01'] },
    ],
    [
      'has expired when all of them have',
      [EXPIRED, from('2016-01-01', '2026-02-01')],
      {
        does: 'it expired on 2026-02-01',
        until: '2026-02-01',
        flaws: ['CN=ca 0 expired on 2026-01-01', 'CN=ca 1 expired on 2026-02-01'],
      },
    ],
    [
      'begins when the first of them does, where none is valid',
      [EXPIRED, EARLY],
      {
        does: 'it is not valid before 2026-06-01T00:00:00.000Z',
        until: '2046-01-01',
        flaws: ['CN=ca 0 expired on 2026-01-01', 'CN=ca 1 is not valid before 2026-06-01'],
      },
    ],
  ])('%s', async (_, wishes, expected) => {
    expect(await decided(...wishes)).toEqual(expected)
  })

  test('must be read again when the next of them begins or ends', async () => {
    expect((await bundleOf(LONG, SHORT)).changesAt).toEqual(date('2027-01-01'))
    expect((await bundleOf(SHORT, EARLY)).changesAt).toEqual(date('2026-06-01'))
    expect((await bundleOf(EXPIRED)).changesAt).toBeUndefined()
  })

  test('holds none that may not sign certificates', async () => {
    const wish = { extensions: [constraints(true), keyUsage('cRLSign')] }
    const fault = await bundleOf(LONG, wish).catch(error => error)
    expect(fault.message).toBe(
      '/live/example.com/fullchain.pem: CN=ca 1 is not a CA certificate: it may not sign certificates (no keyCertSign in its key usage)',
    )
    expect(
      faultOf(() => {
        throw fault
      }).code,
    ).toBe('NOT_A_CA')
  })
})
