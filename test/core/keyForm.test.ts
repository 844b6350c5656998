import { createPrivateKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readKey } from '../../src/core/key.ts'
import { secret } from '../../src/core/secret.ts'
import { inOtherForm, integer, octets, oid, pem, rawInteger, sequence } from '../support/der.ts'
import { encrypted, newKey, pkcs8 } from '../support/keys.ts'
import { pbkdf2, pkcs12, scrypt } from '../support/lockedKeys.ts'
import { derOf, faultOf } from './samples.ts'

const EC = pkcs8(newKey())
const read = (text: string) => readKey(text, 'k.pem', secret('opens'))
const refusal = (text: string) => {
  const started = process.cpuUsage()
  const { code, message } = faultOf(() => read(text))
  const { user, system } = process.cpuUsage(started)
  expect((user + system) / 1000).toBeLessThan(1_000)
  return { code, message }
}
const invalid = (what: string) => ({ code: 'KEY_INVALID', message: `k.pem: the private key ${what}` })

describe('a key is not opened where that takes a hostile amount of work', () => {
  const tooMany = invalid('is encrypted with more than 1000000 rounds')
  test.each([
    ['PBKDF2, 2^31', pbkdf2(2 ** 31)],
    ['PBKDF2, 2^2000', pbkdf2(2n ** 2000n)],
    ['PBKDF2, a million and one', pbkdf2(1_000_001)],
    ['PKCS#12, 2^31', pkcs12(2 ** 31)],
    ['scrypt, a wide one', scrypt(2, 1, 2 ** 29)],
    ['scrypt, each number harmless', scrypt(16_384, 8, 64)],
  ])('%s', (_, text) => {
    expect(refusal(text)).toEqual(tooMany)
  })

  test.each([
    ['PBKDF2, 600,000', pbkdf2(600_000)],
    ['scrypt, as OpenSSL writes it', scrypt(16_384, 8, 1)],
    ['PKCS#12, 2,048', pkcs12(2_048)],
  ])('%s, is tried', (_, text) => {
    expect(refusal(text).code).toBe('KEY_PASSWORD_WRONG')
  })

  test('nor where the rounds cannot be counted', () => {
    const inner = derOf(encrypted(EC, 'opens'))
    const open = pem('ENCRYPTED PRIVATE KEY', inOtherForm(inner, 'indefinite'))
    expect(refusal(open)).toEqual(invalid('cannot be read'))
    expect(refusal(pem('ENCRYPTED PRIVATE KEY', derOf(EC)))).toEqual(invalid('cannot be read'))
    // longer than it need be is a form that OpenSSL reads too
    expect(pkcs8(read(pem('ENCRYPTED PRIVATE KEY', inOtherForm(inner, 'long'))).object)).toBe(EC)
  })
})

describe('a key of a kind whose opening is the work is refused by its kind, under whatever label', () => {
  const prime = (bytes: number) => rawInteger(Buffer.alloc(bytes, 0x5b))
  const dsa = sequence(
    integer(0),
    sequence(oid('1.2.840.10040.4.1'), sequence(prime(3_000), integer(0xfffffb), prime(3_000))),
    octets(prime(3_000)),
  )
  test.each([
    ['PRIVATE KEY', 'is of a kind that is not for certificates'],
    ['RSA PRIVATE KEY', 'cannot be read'],
    ['EC PRIVATE KEY', 'cannot be read'],
    ['ENCRYPTED PRIVATE KEY', 'cannot be read'],
  ])('DSA as %s', (label, what) => {
    expect(refusal(pem(label, dsa))).toEqual(invalid(what))
  })
})

test('a key larger than any is refused by its size', () => {
  const large = pem(
    'RSA PRIVATE KEY',
    sequence(integer(0), ...Array(8).fill(rawInteger(Buffer.alloc(9_000, 3)))),
  )
  expect(refusal(large)).toEqual(invalid('has 72040 bytes, more than any for certificates'))
  const headed = `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n${'A'.repeat(60_000)}\n-----END RSA PRIVATE KEY-----\n`
  expect(refusal(headed)).toEqual(invalid('has 60086 bytes, more than any for certificates'))
})

test('headers before PKCS#8 are no form of a key', () => {
  const headed = EC.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n')
  expect(refusal(headed)).toEqual(invalid('is PKCS#8 with headers of another form'))
})

test.each(['rsa', 'rsa-pss', 'ec', 'ed25519', 'ed448'])('a key of the kind %s is opened', async kind => {
  const { generateKeyPairSync } = await import('node:crypto')
  const make = generateKeyPairSync as (
    kind: string,
    options: object,
  ) => { privateKey: ReturnType<typeof newKey> }
  const key = pkcs8(make(kind, { modulusLength: 2048, namedCurve: 'P-384' }).privateKey)
  expect(read(key).pem.reveal()).toBe(key)
  expect(createPrivateKey(key).asymmetricKeyType).toBe(kind)
})
