import { beforeAll, describe, expect, test } from 'vitest'
import { orderChain } from '../../src/certificate/chain.ts'
import { writePem } from '../../src/certificate/pem.ts'
import { readCertificate } from '../../src/certificate/x509.ts'
import { type Issuer, pemOf } from '../fixtures/authority.ts'
import { issue, selfSigned } from '../fixtures/certificates.ts'
import { newKey } from '../fixtures/keys.ts'
import { ca, derOf, faultOf } from '../fixtures/samples.ts'

const read = (pem: string) => readCertificate(derOf(pem), 'f')
const NOW = new Date()
const AT = { file: 'f', now: NOW }
const orderOf = (pems: readonly string[], of = pems[0] ?? '') => {
  const found = pems.map(read)
  const [end = read(of)] = found.filter(one => one.sha256 === read(of).sha256)
  return orderChain(found, end, AT)
}
const order = (...pems: readonly string[]) => {
  const { path, ...rest } = orderOf(pems, leaf)
  const known = Object.entries({ leaf, low, high, root, twin, foreign })
  const name = (sha256: string) => known.find(([, pem]) => read(pem).sha256 === sha256)?.[0]
  return { path: path.map(one => name(one.sha256)), ...rest }
}

/** leaf ← low ← high ← root; twin is the root's name and key, signed by foreign. */
let [leaf, low, high, root, twin, foreign] = ['', '', '', '', '', '']
let lowest: Issuer
const signedBy = (issuer: Issuer) => issue({ authority: { root: '', intermediate: '', issuer } })

beforeAll(async () => {
  const rootKey = newKey()
  const top = await ca('root', undefined, rootKey)
  const upper = await ca('high', top)
  const other = await ca('foreign')
  lowest = await ca('low', upper)
  root = pemOf(top)
  high = pemOf(upper)
  low = pemOf(lowest)
  foreign = pemOf(other)
  twin = pemOf(await ca('root', other, rootKey))
  leaf = (await signedBy(lowest)).leaf
})

describe('the chain goes leaf first, each signed by the next, without its root', () => {
  test('as certbot writes it: nothing to say', () => {
    expect(order(leaf, low, high)).toEqual({
      path: ['leaf', 'low', 'high'],
      notes: [],
      issuerMissing: false,
      flaws: [],
    })
  })

  test('every order comes out as the one', () => {
    for (const pems of [
      [high, low, leaf],
      [low, high, leaf],
      [high, leaf, low],
      [leaf, high, low],
    ]) {
      expect(order(...pems)).toEqual({
        path: ['leaf', 'low', 'high'],
        notes: ['certificates put in order, leaf first'],
        issuerMissing: false,
        flaws: [],
      })
    }
  })

  test('the root is left out, and it is said', () => {
    expect(order(leaf, low, high, root)).toEqual({
      path: ['leaf', 'low', 'high'],
      notes: ['root CN=root left out'],
      issuerMissing: false,
      flaws: [],
    })
  })

  test('duplicates are left out, and counted', () => {
    expect(order(leaf, low, low, high).notes).toEqual(['1 repeated certificate left out'])
    expect(order(leaf, leaf, low, low, high)).toMatchObject({
      path: ['leaf', 'low', 'high'],
      notes: ['2 repeated certificates left out'],
    })
  })

  test('a cross-signed root is sent: clients that know only the other root need it', () => {
    expect(order(leaf, low, high, twin).path).toEqual(['leaf', 'low', 'high', 'twin'])
    expect(order(leaf, low, high, twin, foreign)).toMatchObject({
      path: ['leaf', 'low', 'high', 'twin'],
      notes: ['root CN=foreign left out'],
    })
  })

  test('of two ways up the first in the file is taken', () => {
    expect(order(leaf, low, high, root, twin)).toMatchObject({
      path: ['leaf', 'low', 'high'],
      notes: ['root CN=root left out', 'alternative issuer CN=root left out'],
    })
    expect(order(leaf, low, high, twin, root).path).toEqual(['leaf', 'low', 'high', 'twin'])
  })
})

describe('a leaf alone', () => {
  test('misses its issuer', () => {
    expect(order(leaf)).toEqual({ path: ['leaf'], notes: [], issuerMissing: true, flaws: [] })
    expect(order(leaf, leaf).issuerMissing).toBe(true)
  })

  test('misses none where it signed itself', async () => {
    const own = read((await selfSigned()).leaf)
    expect(orderChain([own], own, AT)).toEqual({ path: [own], notes: [], issuerMissing: false, flaws: [] })
  })
})

describe('what does not belong is refused by name', () => {
  test('an authority that has signed nothing here', () => {
    expect(faultOf(() => order(leaf, low, foreign))).toMatchObject({
      code: 'UNRELATED_CERTIFICATE',
      retry: 'never',
      message: 'f: CN=foreign has not signed anything in this chain',
    })
  })

  test('a root above a gap', () => {
    expect(faultOf(() => order(leaf, low, root)).code).toBe('UNRELATED_CERTIFICATE')
  })

  test('an authority of the right name and the wrong key', async () => {
    const forged = pemOf(await ca('high'))
    expect(faultOf(() => orderOf([leaf, low, forged])).code).toBe('UNRELATED_CERTIFICATE')
  })

  test('an authority whose signature on the leaf is damaged: names and key identifiers prove nothing', () => {
    const der = derOf(leaf)
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1
    expect(faultOf(() => orderOf([writePem('CERTIFICATE', der), low])).code).toBe('UNRELATED_CERTIFICATE')
  })

  test('a second server certificate, even of an empty subject', async () => {
    const other = await issue({ names: ['other.example'], commonName: 'x'.repeat(65) })
    expect(faultOf(() => orderOf([leaf, other.leaf, low]))).toMatchObject({
      code: 'MULTIPLE_LEAVES',
      message: 'f: holds a second server certificate, other.example',
    })
  })
})

describe('no file of certificates takes long', () => {
  test('two authorities that signed each other end the walk', async () => {
    const [a, b] = [newKey(), newKey()]
    const first = await ca('a', await ca('b', undefined, b), a)
    const second = await ca('b', await ca('a', undefined, a), b)
    const end = await signedBy(first)
    expect(orderOf([end.leaf, pemOf(first), pemOf(second)]).path).toHaveLength(3)
  })

  test('thirty authorities of one name and key, each of which signed all others, are not tried out', async () => {
    const key = newKey('p384')
    const twins = await Promise.all(Array.from({ length: 30 }, () => ca('twin', undefined, key)))
    const end = read((await signedBy(twins[0] as Issuer)).leaf)
    const found = [end, ...twins.map(one => read(pemOf(one)))]
    expect(faultOf(() => orderChain(found, end, AT))).toMatchObject({
      code: 'UNRELATED_CERTIFICATE',
      message: 'f: holds too many certificates of one name, CN=twin',
    })
    // a few twins are what cross-signing leaves behind
    expect(orderChain(found.slice(0, 5), end, AT).path).toHaveLength(1)
  })

  test('a hundred and more are no chain', () => {
    const found = [
      read(leaf),
      ...Array.from({ length: 100 }, (_, i) => ({ ...read(low), sha256: String(i) })),
    ]
    expect(faultOf(() => orderChain(found, read(leaf), AT)).message).toBe(
      'f: holds 101 certificates, no chain is so long',
    )
  })
})
