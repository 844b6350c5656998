import { createPrivateKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { prove } from '../../src/core/bundle.ts'
import { readKey } from '../../src/core/key.ts'
import { issue } from '../support/certificates.ts'
import { integer, pem, rawInteger, sequence } from '../support/der.ts'
import { newKey, pkcs1, pkcs8, sec1 } from '../support/keys.ts'
import { openssl } from '../support/openssl.ts'
import { derOf, faultOf, filesOf } from './samples.ts'

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
  expect(faultOf(() => prove(filesOf(chain, damaged))).code).toBe('KEY_INVALID')
  expect(prove(filesOf(chain, key)).names).toEqual(['example.com', 'www.example.com'])
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

test('of three primes OpenSSL hands out two: then it has to sign', async () => {
  const three = await openssl('genrsa', '-primes', '3', '2048')
  expect(read(three).object.asymmetricKeyDetails?.modulusLength).toBe(2048)
})

test('SM2 signs with its own digest', async () => {
  const key = await openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:SM2')
  expect(read(key).pem.reveal()).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
})

test('a number that is negative or empty is an answer, not an error', () => {
  const odd = sequence(integer(0), ...Array.from({ length: 8 }, (_, i) => rawInteger(Buffer.of(0x80 + i))))
  expect(faultOf(() => read(pem('RSA PRIVATE KEY', odd))).code).toBe('KEY_INVALID')
  const empty = sequence(...Array.from({ length: 9 }, () => rawInteger(Buffer.alloc(0))))
  expect(faultOf(() => read(pem('RSA PRIVATE KEY', empty))).code).toBe('KEY_INVALID')
})
