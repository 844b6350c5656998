import { execFileSync } from 'node:child_process'
import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { orderChain } from '../../src/certificate/chain.ts'
import { objectionTo, readCertificate } from '../../src/certificate/x509.ts'
import { type Issuer, pemOf } from '../fixtures/authority.ts'
import { issue, selfSigned } from '../fixtures/certificates.ts'
import { newKey } from '../fixtures/keys.ts'
import { type CaWish, ca, constraints, derOf, faultOf, forClients, keyUsage } from '../fixtures/samples.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const NOW = new Date('2026-03-01T00:00:00Z')
const PAST = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2026-02-01T00:00:00Z') }
const FUTURE = { notBefore: new Date('2026-04-01T00:00:00Z') }

const orderOf = (leaf: string, ...others: readonly Issuer[]) => {
  const found = [leaf, ...others.map(pemOf)].map(pem => readCertificate(derOf(pem), 'f'))
  const chain = orderChain(found, found[0] as (typeof found)[0], { file: 'f', now: NOW })
  return {
    ...chain,
    sent: chain.path.slice(1).map(({ sha256 }) => found.slice(1).findIndex(one => one.sha256 === sha256)),
  }
}
const under = async (issuer: Issuer) =>
  (
    await issue({
      authority: { root: '', intermediate: '', issuer },
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter: new Date('2026-12-31T00:00:00Z'),
    })
  ).leaf

let root: Issuer
let key: KeyObject
let leaf: string
const low = (wish: CaWish = {}) => ca('low', root, key, wish)
beforeAll(async () => {
  root = await ca('root')
  key = newKey()
  leaf = await under(await low())
})

describe('of issuers with one name and key, the one that clients verify today is sent', () => {
  test.each([
    ['expired', PAST, 'it expired on 2026-02-01'],
    ['not yet valid', FUTURE, 'it is not valid before 2026-04-01'],
    ['CA:FALSE', { extensions: [constraints(false)] }, 'it says that it is no authority (CA:FALSE)'],
    [
      'without keyCertSign',
      { extensions: [constraints(true), keyUsage('cRLSign')] },
      'it may not sign certificates (no keyCertSign in its key usage)',
    ],
    [
      'for clients alone',
      { extensions: [constraints(true), forClients()] },
      'it is not for certificates of TLS servers (no serverAuth in its extended key usage)',
    ],
  ])('not the one that is %s', async (_, wish, because) => {
    const [bad, good] = [await low(wish), await low()]
    expect(orderOf(leaf, bad, good)).toMatchObject({
      sent: [1],
      flaws: [],
      notes: [`alternative issuer CN=low left out: ${because}`],
    })
    expect(orderOf(leaf, good, bad)).toMatchObject({ sent: [0], flaws: [] })
  })

  test('also where the better way begins further up', async () => {
    const [left, right] = [newKey(), newKey()]
    const [expired, valid] = [await ca('left', root, left, PAST), await ca('right', root, right)]
    const [byLeft, byRight] = [
      await ca('low', await ca('left', root, left), key),
      await ca('low', await ca('right', root, right), key),
    ]
    expect(orderOf(leaf, byLeft, expired, byRight, valid)).toMatchObject({ sent: [2, 3], flaws: [] })
  })

  test('of roots too: the way under an expired root is not the one taken', async () => {
    const rootKey = newKey()
    const [old, current] = [await ca('old', undefined, newKey(), PAST), await ca('top', undefined, rootKey)]
    const cross = await ca('top', old, rootKey)
    const below = await ca('low', current, key)
    expect(orderOf(leaf, below, cross, old, current)).toMatchObject({ sent: [0], flaws: [] })
    expect(orderOf(leaf, below, cross, current)).toMatchObject({ sent: [0, 1], flaws: [] })
  })

  test('of two that clients refuse, the one that is valid', async () => {
    const bad = await low({ extensions: [constraints(false)] })
    expect(orderOf(leaf, await low(PAST), bad)).toMatchObject({
      sent: [1],
      flaws: [
        'its issuer CN=low says that it is no authority (CA:FALSE): clients may refuse the certificate',
      ],
    })
  })
})

describe('what clients may refuse in an issuer is reported:', () => {
  const clients = 'clients may refuse the certificate'

  test.each<readonly [string, CaWish, string]>([
    ['expired', PAST, 'expired on 2026-02-01'],
    ['not yet valid', FUTURE, 'is not valid before 2026-04-01'],
    [
      'no basicConstraints',
      { extensions: [keyUsage('keyCertSign')] },
      'does not say that it is an authority (no basicConstraints)',
    ],
    [
      'no extension about it',
      { extensions: [] },
      'does not say that it is an authority (no basicConstraints)',
    ],
    ['CA:FALSE', { extensions: [constraints(false)] }, 'says that it is no authority (CA:FALSE)'],
    [
      'no keyCertSign',
      { extensions: [constraints(true), keyUsage('cRLSign')] },
      'may not sign certificates (no keyCertSign in its key usage)',
    ],
  ])('%s', async (_, wish, says) => {
    expect(orderOf(leaf, await low(wish))).toMatchObject({
      sent: [0],
      issuerMissing: false,
      flaws: [`its issuer CN=low ${says}: ${clients}`],
    })
  })

  test('a root above them that has expired', async () => {
    const old = await ca('old', undefined, newKey(), PAST)
    expect(orderOf(leaf, await ca('low', old, key), old)).toMatchObject({
      sent: [0],
      flaws: [`its issuer CN=old expired on 2026-02-01: ${clients}`],
    })
  })

  test('more intermediates than an issuer allows', async () => {
    const high = await ca('high', root, newKey(), {
      extensions: [constraints(true, 0), keyUsage('keyCertSign')],
    })
    expect(orderOf(leaf, await ca('low', high, key), high).flaws).toEqual([
      `its issuer CN=high allows 0 intermediates below it and has 1: ${clients}`,
    ])
    expect(orderOf(await under(high), high).flaws).toEqual([])
  })

  test.each<readonly [string, CaWish, string]>([
    ['no basicConstraints', { extensions: [] }, 'does not say that it is an authority (no basicConstraints)'],
    [
      'no keyCertSign',
      { extensions: [constraints(true), keyUsage('cRLSign')] },
      'may not sign certificates (no keyCertSign in its key usage)',
    ],
  ])('a root above them with %s', async (_, wish, says) => {
    const odd = await ca('odd', undefined, newKey(), wish)
    expect(orderOf(await under(odd), odd)).toMatchObject({
      sent: [],
      flaws: [`its issuer CN=odd ${says}: ${clients}`],
    })
  })

  test('nothing of issuers as they should be', async () => {
    expect(orderOf(leaf, await low(), root).flaws).toEqual([])
  })

  test('nothing of a root of the first version, which cannot say what it is', async () => {
    const cwd = await temporaryDirectory()
    const openssl = (command: string) => execFileSync('openssl', command.split(' '), { cwd, stdio: 'pipe' })
    openssl('ecparam -name prime256v1 -genkey -noout -out key.pem')
    openssl('req -new -key key.pem -subj /CN=old -out request.pem')
    openssl('x509 -req -in request.pem -signkey key.pem -days 30 -out root.pem')
    const one = readCertificate(derOf(await readFile(join(cwd, 'root.pem'), 'utf8')), 'f')
    expect(one.authority.extended).toBe(false)
    expect(objectionTo(one, new Date())).toBeUndefined()
  })
})

describe('what does not belong is called what it is', () => {
  test.each<readonly [string, CaWish, string]>([
    [
      'without keyCertSign',
      { extensions: [constraints(true), keyUsage('cRLSign')] },
      'UNRELATED_CERTIFICATE',
    ],
    ['that is a root without extensions', { extensions: [] }, 'UNRELATED_CERTIFICATE'],
  ])('an authority %s is no second server certificate', async (_, wish, code) => {
    const stranger = await ca('stranger', undefined, newKey(), wish)
    expect(faultOf(() => orderOf(leaf, stranger))).toMatchObject({
      code,
      message: 'f: CN=stranger has not signed anything in this chain',
    })
  })

  test('a server certificate signed by itself is one', async () => {
    const own = await selfSigned({ names: ['own.example'] })
    const found = [leaf, own.leaf].map(pem => readCertificate(derOf(pem), 'f'))
    expect(
      faultOf(() => orderChain(found, found[0] as (typeof found)[0], { file: 'f', now: NOW })),
    ).toMatchObject({ code: 'MULTIPLE_LEAVES' })
  })

  test('an issuer with its own server certificate: that one is the second', async () => {
    const issuer = await ca('odd', root, newKey(), { extensions: [constraints(false)] })
    const other = await issue({ names: ['other.example'], authority: { root: '', intermediate: '', issuer } })
    const found = [leaf, pemOf(issuer), other.leaf].map(pem => readCertificate(derOf(pem), 'f'))
    expect(
      faultOf(() => orderChain(found, found[0] as (typeof found)[0], { file: 'f', now: NOW })),
    ).toMatchObject({
      code: 'MULTIPLE_LEAVES',
      message: 'f: holds a second server certificate, CN=other.example',
    })
  })
})
