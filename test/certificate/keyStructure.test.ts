import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readKey } from '../../src/certificate/privateKey.ts'
import { secret } from '../../src/secret.ts'
import { inOtherForm, integer, pem, rawInteger, sequence } from '../fixtures/der.ts'
import { encrypted, newKey, pkcs1, pkcs8, sec1 } from '../fixtures/keys.ts'
import { openssl } from '../fixtures/openssl.ts'
import { derOf, faultOf } from '../fixtures/samples.ts'
import { lockedWith, longDsa, pbkdf2, pkcs12, scrypt } from '../fixtures/strangeKeys.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const EC = pkcs8(newKey())
const invalid = (what: string) => ({ code: 'KEY_INVALID', message: `k.pem: the private key ${what}` })
const KIND = invalid('is of a kind that is not for certificates')
const read = (text: string) => readKey(text, 'k.pem', secret('opens'))
const refusal = (text: string) => {
  const started = process.cpuUsage()
  const { code, message } = faultOf(() => read(text))
  const { user, system } = process.cpuUsage(started)
  expect((user + system) / 1000).toBeLessThan(1_000)
  return { code, message }
}

describe('a key is not opened where that takes a hostile amount of work', () => {
  const tooMany = invalid('is encrypted with more than 1000000 rounds')
  test.each([
    ['PBKDF2, 2^31', pbkdf2(2 ** 31)],
    ['PBKDF2, 2^2000', pbkdf2(2n ** 2000n)],
    ['PBKDF2, a million and one', pbkdf2(1_000_001)],
    ['scrypt, a wide one', scrypt(2, 1, 2 ** 29)],
    ['scrypt, each number harmless', scrypt(16_384, 8, 64)],
  ])('%s', (_, text) => {
    expect(refusal(text)).toEqual(tooMany)
  })

  test('PKCS#12, which takes more work for each round', () => {
    expect(refusal(pkcs12(2 ** 31))).toEqual(invalid('is encrypted with more than 100000 rounds'))
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
    // longer than it need be is a form that OpenSSL reads too
    expect(pkcs8(read(pem('ENCRYPTED PRIVATE KEY', inOtherForm(inner, 'long'))).object)).toBe(EC)
  })
})

describe('a key of a kind whose opening is the work is refused by its kind, under whatever label', () => {
  test.each(['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY', 'DSA PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'])(
    'DSA as %s',
    label => {
      expect(refusal(pem(label, longDsa()))).toEqual(KIND)
      const large = rawInteger(Buffer.alloc(3_000, 0x5b))
      const old = sequence(integer(0), large, integer(0xfffffb), large, integer(2), integer(2))
      expect(refusal(pem(label, old))).toEqual(KIND)
    },
  )
})

describe('an encrypted key is checked before OpenSSL opens it:', () => {
  const password = 'opens'
  test.each([
    ['PKCS#8, PBKDF2 and AES', ['-v2', 'aes-256-cbc']],
    ['PKCS#8, PBKDF2 with SHA-1 and triple DES', ['-v2', 'des3', '-v2prf', 'hmacWithSHA1']],
    ['PKCS#8, PBKDF2 with SHA-512 and ARIA', ['-v2', 'aria-128-cbc', '-v2prf', 'hmacWithSHA512']],
    ['PKCS#8, scrypt', ['-scrypt']],
    ['PKCS#8, as PKCS#12 does it', ['-v1', 'PBE-SHA1-3DES']],
    ['PKCS#8, as PKCS#12 does it with two keys', ['-v1', 'PBE-SHA1-2DES']],
  ])('%s', async (_, how) => {
    const folder = await temporaryDirectory()
    const file = join(folder, 'plain.pem')
    const locked = async (plain: string, pass = password) => {
      await writeFile(file, plain)
      return openssl('pkcs8', '-topk8', '-in', file, ...how, '-passout', `pass:${pass}`)
    }
    expect(pkcs8(read(await locked(EC)).object)).toBe(EC)
    expect(refusal(await locked(EC, 'other')).code).toBe('KEY_PASSWORD_WRONG')
    const x25519 = pkcs8(generateKeyPairSync('x25519').privateKey)
    expect(refusal(await locked(x25519))).toEqual(KIND)
    const dsa = pkcs8(generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).privateKey)
    expect(refusal(await locked(dsa))).toEqual(KIND)
  })

  test('a password with other letters than ASCII opens what OpenSSL encrypted with it', async () => {
    const file = join(await temporaryDirectory(), 'plain.pem')
    await writeFile(file, EC)
    for (const how of [
      ['-v2', 'aes-128-cbc'],
      ['-v1', 'PBE-SHA1-3DES'],
    ]) {
      const text = await openssl('pkcs8', '-topk8', '-in', file, ...how, '-passout', 'pass:Grüße 水')
      expect(pkcs8(readKey(text, 'k.pem', secret('Grüße 水')).object)).toBe(EC)
    }
  })

  test('DSA with headers', async () => {
    const file = join(await temporaryDirectory(), 'dsa.pem')
    const { privateKey } = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 })
    await writeFile(file, pkcs8(privateKey))
    const text = await openssl('dsa', '-in', file, '-aes128', '-passout', `pass:${password}`)
    expect(text).toMatch(/^-----BEGIN (DSA|ENCRYPTED) PRIVATE KEY/)
    expect(refusal(text)).toEqual(KIND)
  })

  test('DSA of 24,000 bits, which takes OpenSSL ten seconds', () => {
    expect(refusal(lockedWith(password, longDsa()))).toEqual(KIND)
  })
})

describe('content decides, not the label', () => {
  const LABELS = [
    'PRIVATE KEY',
    'RSA PRIVATE KEY',
    'EC PRIVATE KEY',
    'ENCRYPTED PRIVATE KEY',
    'ANY PRIVATE KEY',
  ]
  const rsa = pkcs8(newKey('rsa2048'))
  test.each(LABELS)('%s', label => {
    for (const text of [EC, sec1(EC)]) expect(pkcs8(read(pem(label, derOf(text))).object)).toBe(EC)
    for (const text of [rsa, pkcs1(rsa)]) expect(pkcs8(read(pem(label, derOf(text))).object)).toBe(rsa)
    const locked = pem(label, derOf(encrypted(EC, 'opens')))
    expect(pkcs8(read(locked).object)).toBe(EC)
    expect(faultOf(() => readKey(locked, 'k.pem', undefined)).code).toBe('KEY_ENCRYPTED')
  })
})

describe('a curve that is described by numbers', () => {
  const explicit = (namedCurve: string) =>
    generateKeyPairSync('ec', { namedCurve, paramEncoding: 'explicit' }).privateKey

  test.each(['P-256', 'P-384', 'P-521', 'secp256k1', 'brainpoolP256r1', 'sect283k1', 'SM2'])(
    'of %s: the key is sent with the curve by its name',
    namedCurve => {
      const key = explicit(namedCurve)
      const sent = read(pkcs8(key)).pem.reveal()
      expect(sent.length).toBeLessThan(pkcs8(key).length / 1.3)
      const publicHalf = (one: KeyObject) =>
        createPublicKey(one).export({ type: 'spki', format: 'der' }).subarray(-40)
      expect(publicHalf(createPrivateKey(sent))).toEqual(publicHalf(key))
      expect(derOf(sent).subarray(7, 16).toString('hex')).toBe('06072a8648ce3d0201')
      expect([0x06]).toContain(derOf(sent)[16])
      if (namedCurve !== 'SM2') expect(pkcs8(read(sec1(pkcs8(key))).object)).toBe(sent)
    },
  )

  test('of no name is said', () => {
    const der = derOf(pkcs8(explicit('P-256')))
    // the number b of the curve
    const at = der.indexOf(Buffer.from('5ac635d8', 'hex'))
    der[at + 8] = (der[at + 8] ?? 0) ^ 1
    expect(refusal(pem('PRIVATE KEY', der)).message).toMatch(
      /the private key (describes its curve by numbers, and no named curve has these|cannot be read)/,
    )
  })
})

test('a key larger than any is refused by its size', () => {
  const large = pem(
    'RSA PRIVATE KEY',
    sequence(integer(0), ...Array(8).fill(rawInteger(Buffer.alloc(9_000, 3)))),
  )
  expect(refusal(large)).toEqual(invalid('has 72040 bytes, more than any for certificates'))
  const headed = `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${'00'.repeat(16)}\n\n${'A'.repeat(60_000)}\n-----END RSA PRIVATE KEY-----\n`
  expect(refusal(headed)).toEqual(invalid('has 45000 bytes, more than any for certificates'))
})

test('headers that say less than is needed', () => {
  const headed = (info: string) => EC.replace('-----\n', `-----\nProc-Type: 4,ENCRYPTED\n${info}\n\n`)
  expect(refusal(headed('DEK-Info: AES-256-CBC,00'))).toEqual(
    invalid('is encrypted in a way no longer supported'),
  )
  expect(refusal(headed('DEK-Info: '))).toEqual(invalid('cannot be read'))
  expect(refusal(headed(`DEK-Info: AES-256-CBC,${'00'.repeat(16)}`)).code).toBe('KEY_PASSWORD_WRONG')
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
