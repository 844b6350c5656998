import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  caCertificate,
  encrypted,
  issue,
  type KeyKind,
  type Pair,
  selfSigned,
} from '../support/certificates.ts'
import { traditional } from '../support/keys.ts'
import { CHAIN, derOf, faultOf, KEY, proven } from './samples.ts'

const sha256 = (...ders: readonly Buffer[]) => createHash('sha256').update(Buffer.concat(ders)).digest('hex')
const isKey = /PRIVATE KEY/

let pair: Pair
beforeAll(async () => {
  pair = await issue({ names: ['example.com', 'www.example.com'] })
})

describe('a pair that fits becomes a bundle', () => {
  test('which says what is sent and what it is', () => {
    const bundle = proven(pair.chain, pair.key)
    expect(bundle).toMatchObject({
      chainPem: pair.chain,
      fingerprint: sha256(derOf(pair.leaf), derOf(pair.intermediate)),
      leaf: sha256(derOf(pair.leaf)),
      names: ['example.com', 'www.example.com'],
      notBefore: pair.notBefore,
      notAfter: pair.notAfter,
      notes: [],
      alone: false,
    })
    expect(bundle.key?.pem.reveal()).toBe(pair.key)
  })

  test.each<KeyKind>(['p256', 'p384', 'p521', 'rsa2048', 'rsa3072', 'ed25519'])('%s', async kind => {
    const { chain, key } = await issue({ kind })
    for (const form of [key, traditional(key), encrypted(key, 'opens')]) {
      const bundle = proven(chain, form, 'opens')
      expect(bundle.chainPem).toBe(chain)
      expect(bundle.key?.pem.reveal()).toMatch(/^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/)
    }
  })

  test('a key in the chain file is not sent with the chain, and it is said', () => {
    const bundle = proven(pair.key + pair.chain, pair.key)
    expect(bundle.chainPem).toBe(pair.chain)
    expect(bundle.notes).toEqual(['a private key stands in the chain file; it is not sent with the chain'])
  })

  test('chain and key may be one file', () => {
    const both = pair.chain + pair.key
    expect(proven(both, both).chainPem).toBe(pair.chain)
  })

  test('reversed, with the root, doubled and within text it is the same bundle', () => {
    const text = `Bag\r\n${pair.root}${pair.intermediate}between\n${pair.leaf}${pair.intermediate}`
    const bundle = proven(text, pair.key)
    expect(bundle.chainPem).toBe(pair.chain)
    expect(bundle.fingerprint).toBe(proven(pair.chain, pair.key).fingerprint)
    expect(bundle.notes).toHaveLength(3)
  })

  test('a leaf alone is marked, a self-signed certificate is whole', async () => {
    expect(proven(pair.leaf, pair.key)).toMatchObject({ alone: true, chainPem: pair.leaf })
    const own = await selfSigned()
    expect(proven(own.chain, own.key)).toMatchObject({ alone: false, chainPem: own.leaf, notes: [] })
  })

  test('no way of printing it shows the key', () => {
    const bundle = proven(pair.chain, encrypted(pair.key, 'a password'), 'a password')
    for (const text of [
      JSON.stringify(bundle),
      inspect(bundle, { depth: 9, showHidden: true }),
      `${bundle.key?.pem}`,
    ]) {
      expect(text).not.toMatch(isKey)
      expect(text).not.toContain('a password')
    }
  })
})

describe('what does not fit never becomes a bundle', () => {
  test('the key of another certificate is a renewal under way', async () => {
    const other = await issue()
    expect(faultOf(() => proven(pair.chain, other.key))).toMatchObject({
      code: 'KEY_MISMATCH',
      retry: 'soon',
      exit: 75,
      message: `${KEY}: the key does not belong to example.com in ${CHAIN}`,
    })
  })

  test('an old and a new certificate of one key in one file', async () => {
    const notBefore = new Date('2026-02-03T04:05:06Z')
    const old = await issue({ keyPem: pair.key, notBefore })
    expect(faultOf(() => proven(pair.leaf + old.chain, pair.key))).toMatchObject({
      code: 'TWO_LEAVES',
      retry: 'never',
      message: `${CHAIN}: the key fits more than one certificate, valid from ${pair.notBefore.toISOString()} and ${notBefore.toISOString()}`,
    })
  })

  test('the certificate of another server in the same file', async () => {
    const other = await issue({ names: ['other.example'] })
    expect(faultOf(() => proven(pair.chain + other.leaf, pair.key))).toMatchObject({
      code: 'TWO_LEAVES',
      message: `${CHAIN}: holds a second server certificate, CN=other.example`,
    })
  })

  test.each([
    ['an empty chain', () => '\n', 'PAIR_INCOMPLETE', 'is empty'],
    [
      'a chain that ends inside',
      () => pair.chain.slice(0, -30),
      'PAIR_INCOMPLETE',
      'ends before the certificates do',
    ],
    ['a chain of no certificate', () => pair.key, 'CERTIFICATE_INVALID', 'holds no certificate'],
    ['text', () => 'hello', 'CERTIFICATE_INVALID', 'holds no certificate'],
    [
      'base64 that is none',
      () => pair.chain.replace(/\nMII/, '\nM!I'),
      'CERTIFICATE_INVALID',
      'a CERTIFICATE block holds something other than base64',
    ],
    [
      'a line lost',
      () => pair.chain.replace(/\n[^-\n]{64}\n/, '\n'),
      'CERTIFICATE_INVALID',
      'a certificate block cannot be read as X.509',
    ],
    [
      'newlines turned into \\n',
      () => pair.chain.replaceAll('\n', '\\n'),
      'CERTIFICATE_INVALID',
      'a CERTIFICATE block holds something other than base64',
    ],
  ])('%s', (_, text, code, message) => {
    expect(faultOf(() => proven(text(), pair.key))).toMatchObject({ code, message: `${CHAIN}: ${message}` })
  })
})

describe('a CA certificate goes as it stands', () => {
  test('a root is what it is sent for', async () => {
    const root = await caCertificate()
    expect(proven(root)).toMatchObject({ chainPem: root, key: undefined, alone: false, notes: [] })
  })

  test('several keep their order, without duplicates, CR LF and text', async () => {
    const [a, b] = [await caCertificate('a'), await caCertificate('b')]
    const bundle = proven(`${b}# comment\r\n${a.replaceAll('\n', '\r\n')}${b}`)
    expect(bundle.chainPem).toBe(b + a)
    expect(bundle.names).toEqual(['b'])
  })

  test('a server certificate among them is refused', async () => {
    const text = (await caCertificate()) + pair.leaf
    expect(faultOf(() => proven(text))).toMatchObject({
      code: 'NOT_A_CA',
      message: `${CHAIN}: CN=example.com is not a CA certificate`,
    })
  })

  test('half a file is pending', async () => {
    expect(faultOf(() => proven((pair.root + pair.intermediate).slice(0, -9))).code).toBe('PAIR_INCOMPLETE')
  })
})
