/** Keys in their several coats, opened by openssl. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encrypted, newKey, pkcs1, pkcs8, sec1, traditional } from './keys.ts'
import { openssl } from './openssl.ts'
import { temporaryDirectory } from './temporary.ts'

async function opened(pem: string, ...args: readonly string[]): Promise<string> {
  const path = join(await temporaryDirectory(), 'key.pem')
  await writeFile(path, pem)
  return openssl('pkey', '-in', path, ...args)
}

test('SEC 1 and PKCS#1 hold the same key as PKCS#8', async () => {
  const [ec, rsa] = [pkcs8(newKey('p384')), pkcs8(newKey('rsa2048'))]
  expect(sec1(ec)).toMatch(/^-----BEGIN EC PRIVATE KEY-----\n/)
  expect(pkcs1(rsa)).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/)
  expect(await opened(sec1(ec))).toBe(ec)
  expect(await opened(pkcs1(rsa))).toBe(rsa)
})

test('the traditional coat follows the kind of key', () => {
  const label = (kind: 'p256' | 'rsa2048' | 'ed25519') => traditional(pkcs8(newKey(kind))).split('\n')[0]
  expect(label('p256')).toBe('-----BEGIN EC PRIVATE KEY-----')
  expect(label('rsa2048')).toBe('-----BEGIN RSA PRIVATE KEY-----')
  expect(label('ed25519')).toBe('-----BEGIN PRIVATE KEY-----')
})

test('an encrypted key opens with its password and with no other', async () => {
  const key = pkcs8(newKey())
  const locked = encrypted(key, 'correct horse')
  expect(locked).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
  expect(await opened(locked, '-passin', 'pass:correct horse')).toBe(key)
  await expect(opened(locked, '-passin', 'pass:wrong')).rejects.toThrow()
})

test('RSA keys are made once, elliptic ones each time', () => {
  expect(pkcs8(newKey('rsa2048'))).toBe(pkcs8(newKey('rsa2048')))
  expect(pkcs8(newKey('p256'))).not.toBe(pkcs8(newKey('p256')))
})
