import { createECDH, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseBundle } from '../../src/certificate/bundle.ts'
import { readKey } from '../../src/certificate/privateKey.ts'
import { issue } from '../fixtures/certificates.ts'
import { bits, integer, octets, oid, pem, rawInteger, sequence, tagged } from '../fixtures/der.ts'
import { newKey, pkcs1, pkcs8, sec1 } from '../fixtures/keys.ts'
import { openssl } from '../fixtures/openssl.ts'
import { derOf, faultOf, filesOf } from '../fixtures/samples.ts'

const DAMAGED = {
  code: 'KEY_INVALID',
  message: 'k.pem: the private key is damaged: its two halves do not belong together',
}
const read = (text: string) => readKey(text, 'k.pem', undefined)

test('a key of which one bit of the private half is wrong is no pair with its certificate', async () => {
  const { chain, key } = await issue()
  const der = derOf(sec1(key))
  der[20] = (der[20] ?? 0) ^ 1 // in the middle of the secret number
  const damaged = pem('EC PRIVATE KEY', der)
  expect(faultOf(() => parseBundle(filesOf(chain, damaged), new Date())).code).toBe('KEY_INVALID')
  expect(parseBundle(filesOf(chain, key), new Date()).names).toEqual(['example.com', 'www.example.com'])
})

describe('RSA: each of its numbers is held to the others', () => {
  const words = createPrivateKey(pkcs8(newKey('rsa2048'))).export({ format: 'jwk' })
  const whole = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'].map(name =>
    BigInt(`0x${Buffer.from(String(words[name]), 'base64url').toString('hex')}`),
  )
  const keyOf = (numbers: readonly bigint[]) =>
    pem('RSA PRIVATE KEY', sequence(...[0n, ...numbers].map(integer)))

  test('as they belong together it is the same key', () => {
    expect(keyOf(whole)).toBe(pkcs1(pkcs8(newKey('rsa2048'))))
    expect(read(keyOf(whole)).object.asymmetricKeyType).toBe('rsa')
  })

  test.each([1, 2, 3, 4, 5, 6, 7])('number %i off by two', at => {
    expect(faultOf(() => read(keyOf(whole.with(at, (whole[at] ?? 0n) + 2n))))).toMatchObject(DAMAGED)
  })

  test.each([
    ['primes of one and all', [3, 4], [1n, whole[0] ?? 0n]],
    ['no primes', [3, 4], [0n, 0n]],
    ['a prime of nothing', [3], [0n]],
    // too small to disagree with anything but the modulus
    ['a prime of two', [3, 7], [2n, 1n]],
    ['a prime of three', [3, 7], [3n, (whole[4] ?? 0n) % 3n]],
  ])('%s', (_, places, values) => {
    const numbers = places.reduce((all, at, i) => all.with(at, values[i] ?? 0n), whole)
    expect(['KEY_INVALID']).toContain(faultOf(() => read(keyOf(numbers))).code)
  })

  test('any bit of it: a key that is still taken is one that openssl finds whole', async () => {
    const der = derOf(keyOf(whole))
    for (let at = 4; at < der.length; at += 61) {
      const damaged = Buffer.from(der)
      damaged[at] = (der[at] ?? 0) ^ (1 << (at % 8))
      expect(['KEY_INVALID'], `byte ${at}`).toContain(
        faultOf(() => read(pem('RSA PRIVATE KEY', damaged))).code,
      )
    }
  })
})

test('of three primes each is held to the others', async () => {
  const three = await openssl('genrsa', '-traditional', '-primes', '3', '2048')
  expect(read(three).object.asymmetricKeyDetails?.modulusLength).toBe(2048)
  const der = derOf(three)
  for (const at of [der.length - 2, der.length - 100, der.length - 200]) {
    const damaged = Buffer.from(der)
    damaged[at] = (der[at] ?? 0) ^ 2
    expect(faultOf(() => read(pem('RSA PRIVATE KEY', damaged)))).toMatchObject(DAMAGED)
  }
})

test('RSA for PSS alone is held to its numbers too', () => {
  const { privateKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
  const der = derOf(pkcs8(privateKey))
  expect(read(pem('PRIVATE KEY', der)).object.asymmetricKeyType).toBe('rsa-pss')
  der[der.length - 3] = (der[der.length - 3] ?? 0) ^ 1
  expect(faultOf(() => read(pem('PRIVATE KEY', der)))).toMatchObject(DAMAGED)
})

test('RSA with numbers longer than OpenSSL signs with is refused before it computes with them', () => {
  const long = integer(1n << 20_000n)
  const odd = sequence(integer(0), long, ...Array.from({ length: 7 }, () => integer(3)))
  expect(faultOf(() => read(pem('RSA PRIVATE KEY', odd))).message).toBe(
    'k.pem: the private key has numbers of more than 16384 bits',
  )
})

describe('EC: the number is between one and the order of the curve', () => {
  const ORDERS = {
    'P-256': ['1.2.840.10045.3.1.7', 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n],
    'P-384': ['1.3.132.0.34', (1n << 384n) - 0x389cb27e0bc8d220a7e5f24db74f58851313e695333ad68dn],
    SM2: ['1.2.156.10197.1.301', 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n],
  } as const
  const keyOf = (curve: string, number: bigint, point?: Buffer) => {
    const secret = octets(Buffer.from(number.toString(16).padStart(98, '0'), 'hex'))
    const inner = sequence(integer(1), secret, ...(point ? [tagged(1, bits(point))] : []))
    return pem(
      'PRIVATE KEY',
      sequence(integer(0), sequence(oid('1.2.840.10045.2.1'), oid(curve)), octets(inner)),
    )
  }
  const RANGE = {
    code: 'KEY_INVALID',
    message: 'k.pem: the private key is damaged: its number is not in the range of its curve',
  }
  test.each(Object.entries(ORDERS))('%s', (name, [curve, order]) => {
    const last = order - (name === 'SM2' ? 2n : 1n)
    for (const inside of [1n, 2n, last]) expect(read(keyOf(curve, inside)).pem.reveal()).toContain('PRIVATE')
    for (const outside of [0n, last + 1n, order, order + 1n, order * 2n])
      expect(faultOf(() => read(keyOf(curve, outside))).code, `${outside}`).toBe('KEY_INVALID')
    // with a public half OpenSSL computes none, and asks nothing
    const ecdh = createECDH(name === 'SM2' ? name : name === 'P-256' ? 'prime256v1' : 'secp384r1')
    ecdh.setPrivateKey(Buffer.of(1))
    for (const outside of [last + 1n, order, order + 1n])
      expect(faultOf(() => read(keyOf(curve, outside, ecdh.getPublicKey()))).code).toBe('KEY_INVALID')
    if (name === 'SM2') expect(faultOf(() => read(keyOf(curve, order - 1n)))).toMatchObject(RANGE)
  })

  test('a number of a thousand bytes is refused before OpenSSL reads it', () => {
    expect(faultOf(() => read(keyOf(ORDERS.SM2[0], 1n << 8_000n))).message).toBe(
      'k.pem: the private key has a number beyond any curve',
    )
  })

  test.each(['compressed', 'hybrid'])('with its public half in %s form', async form => {
    const key = await openssl(
      ...['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
      ...['-pkeyopt', `point-format:${form}`],
    )
    expect(read(key).object.asymmetricKeyType).toBe('ec')
  })
})

test('an SM2 key is opened', async () => {
  const key = await openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:SM2')
  expect(read(key).pem.reveal()).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
})

test('a number that is negative or empty is an answer, not an error', () => {
  const odd = sequence(integer(0), ...Array.from({ length: 8 }, (_, i) => rawInteger(Buffer.of(0x80 + i))))
  expect(faultOf(() => read(pem('RSA PRIVATE KEY', odd))).code).toBe('KEY_INVALID')
  const empty = sequence(...Array.from({ length: 9 }, () => rawInteger(Buffer.alloc(0))))
  expect(faultOf(() => read(pem('RSA PRIVATE KEY', empty))).code).toBe('KEY_INVALID')
})
