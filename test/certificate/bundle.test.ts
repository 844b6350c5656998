import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseBundle } from '../../src/certificate/bundle.ts'
import { writePem } from '../../src/certificate/pem.ts'
import {
  caCertificate,
  encrypted,
  issue,
  type KeyKind,
  type Pair,
  selfSigned,
} from '../fixtures/certificates.ts'
import { element, oid, sequence } from '../fixtures/der.ts'
import { traditional } from '../fixtures/keys.ts'
import { CHAIN, derOf, faultOf, filesOf, KEY, proven } from '../fixtures/samples.ts'

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
      issuerMissing: false,
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
    expect(bundle.notes).toEqual([
      'the chain file also contains a private key; it is not sent with the chain',
    ])
  })

  test('chain and key may be one file', () => {
    const both = pair.chain + pair.key
    expect(proven(both, both).chainPem).toBe(pair.chain)
  })

  test('a leaf alone is marked, a self-signed certificate is whole', async () => {
    expect(proven(pair.leaf, pair.key)).toMatchObject({ issuerMissing: true, chainPem: pair.leaf })
    const own = await selfSigned()
    expect(proven(own.chain, own.key)).toMatchObject({ issuerMissing: false, chainPem: own.leaf, notes: [] })
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
      retry: 'recheck',
      exit: 75,
      message: `${KEY}: the key does not belong to example.com in ${CHAIN}`,
    })
  })

  test('an old and a new certificate of one key in one file', async () => {
    const notBefore = new Date('2026-02-03T04:05:06Z')
    const old = await issue({ keyPem: pair.key, notBefore })
    expect(faultOf(() => proven(pair.leaf + old.chain, pair.key))).toMatchObject({
      code: 'MULTIPLE_LEAVES',
      retry: 'never',
      message: `${CHAIN}: the key fits more than one certificate, valid from ${pair.notBefore.toISOString()} and ${notBefore.toISOString()}`,
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
    [
      'a chain of no certificate',
      () => pair.key,
      'CERTIFICATE_INVALID',
      'holds a private key and no certificate',
    ],
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
      'has its line breaks written as \\n; expected: the server certificate with its issuers, as PEM',
    ],
  ])('%s', (_, text, code, message) => {
    expect(faultOf(() => proven(text(), pair.key))).toMatchObject({ code, message: `${CHAIN}: ${message}` })
  })
})

describe('a CA certificate goes as it stands', () => {
  test('a root is what it is sent for', async () => {
    const root = await caCertificate()
    expect(proven(root)).toMatchObject({ chainPem: root, key: undefined, issuerMissing: false, notes: [] })
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
})

describe('files that have not been written for a minute', () => {
  const still = (chain: string, key: string) =>
    faultOf(() => parseBundle({ ...filesOf(chain, key), still: true }, new Date('2026-03-01T00:00:00Z')))

  test('a key of another certificate', async () => {
    const other = await issue()
    expect(still(pair.chain, other.key)).toMatchObject({
      code: 'WRONG_KEY',
      retry: 'never',
      exit: 65,
      message: `${KEY}: the key does not belong to example.com in ${CHAIN}`,
    })
  })

  test.each([
    ['a chain cut off', () => [pair.chain.slice(0, -9), pair.key], 'CERTIFICATE_INVALID'],
    ['an empty chain', () => ['', pair.key], 'CERTIFICATE_INVALID'],
    ['a key cut off', () => [pair.chain, pair.key.slice(0, -9)], 'KEY_INVALID'],
    ['an empty key', () => [pair.chain, ''], 'KEY_INVALID'],
  ] as const)('%s', (_, files, code) => {
    const [chain = '', key = ''] = files()
    expect(still(chain, key)).toMatchObject({ code, exit: 65, retry: 'never' })
    expect(faultOf(() => proven(chain, key))).toMatchObject({ exit: 75, retry: 'recheck' })
  })

  test('dashes at the end, such as YAML has, are text', () => {
    expect(faultOf(() => proven(`${pair.chain}---`, pair.key)).exit).toBe(75)
    expect(
      parseBundle({ ...filesOf(`${pair.chain}---`, pair.key), still: true }, new Date('2026-03-01T00:00:00Z'))
        .chainPem,
    ).toBe(pair.chain)
  })
})

describe('a mistake of the operator has a message of its own:', () => {
  test('chain.pem for fullchain.pem', () => {
    expect(faultOf(() => proven(pair.intermediate, pair.key))).toMatchObject({
      code: 'UNRELATED_CERTIFICATE',
      exit: 65,
      message: `${CHAIN}: holds only CA certificates, CN=certferry tests intermediate first, and not the server certificate of ${KEY}`,
      advice: expect.stringContaining('fullchain.pem'),
    })
  })

  test('chain and key swapped', () => {
    expect(faultOf(() => proven(pair.key, pair.chain))).toMatchObject({
      code: 'CERTIFICATE_INVALID',
      message: `${CHAIN}: holds a private key and no certificate`,
      advice: expect.stringContaining('exchange the two paths'),
    })
  })

  test('a self-signed certificate that may sign others is a server certificate as well', async () => {
    const [one, other] = [await selfSigned(), await selfSigned()]
    expect(faultOf(() => proven(one.chain, other.key)).code).toBe('KEY_MISMATCH')
  })
})

describe("OpenSSL's TRUSTED CERTIFICATE", () => {
  const trusted = (leaf: string) => {
    const trust = sequence(element(0x30, oid('1.3.6.1.5.5.7.3.1')))
    return writePem('TRUSTED CERTIFICATE', Buffer.concat([derOf(leaf), trust]))
  }

  test('is the certificate in it', () => {
    const bundle = proven(trusted(pair.leaf) + pair.intermediate, pair.key)
    expect(bundle.chainPem).toBe(pair.chain)
    expect(bundle.notes).toEqual(['what a TRUSTED CERTIFICATE is trusted for is left out'])
  })

  test('may be without trust', () => {
    expect(proven(writePem('TRUSTED CERTIFICATE', derOf(pair.leaf)), pair.key).chainPem).toBe(pair.leaf)
  })
})

test('a block that is left out is noted, parameters are not', () => {
  const text = `${pair.chain}${writePem('PKCS7', Buffer.from('x'))}${writePem('X9.42 DH PARAMETERS', Buffer.from('x'))}`
  expect(proven(text, pair.key).notes).toEqual(['a block of the form "PKCS7" is left out'])
})
