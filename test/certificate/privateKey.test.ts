import { execFileSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { readExtensions } from '../../src/certificate/extensions.ts'
import { readKey } from '../../src/certificate/privateKey.ts'
import { isSignedBySm2 } from '../../src/certificate/sm2.ts'
import { readCertificate } from '../../src/certificate/x509.ts'
import { secret } from '../../src/secret.ts'
import { encrypted, type KeyKind, newKey, pkcs1, pkcs8, sec1 } from '../fixtures/keys.ts'
import { derOf, faultOf, proven } from '../fixtures/samples.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const EC = pkcs8(newKey('p256'))
const RSA = pkcs8(newKey('rsa2048'))
const read = (text: string, password?: string) =>
  readKey(text, 'k.pem', password === undefined ? undefined : secret(password))

const legacy = (pem: string, type: 'sec1' | 'pkcs1', cipher = 'aes-256-cbc') =>
  createPrivateKey(pem).export({ type, format: 'pem', cipher, passphrase: 'opens' }).toString()

describe('every form a key comes in is sent as PKCS#8', () => {
  const kinds: readonly KeyKind[] = ['p256', 'p384', 'p521', 'rsa2048', 'rsa3072', 'ed25519']
  test.each(kinds)('PKCS#8, %s', kind => {
    const pem = pkcs8(newKey(kind))
    expect(read(pem).pem.reveal()).toBe(pem)
    expect(read(pem).password).toBeUndefined()
  })

  test.each(['p256', 'p384', 'p521'] as const)('SEC1, %s', kind => {
    const pem = pkcs8(newKey(kind))
    expect(read(sec1(pem)).pem.reveal()).toBe(pem)
  })

  test('SEC1 with the curve before it, as openssl ecparam writes it', () => {
    const curve = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
    expect(read(curve + sec1(EC)).pem.reveal()).toBe(EC)
  })

  test('PKCS#1', () => {
    expect(read(pkcs1(RSA)).pem.reveal()).toBe(RSA)
  })

  test.each([
    ['a byte order mark', (pem: string) => `\ufeff${pem}`],
    ['CR LF', (pem: string) => pem.replaceAll('\n', '\r\n')],
    ['text around it', (pem: string) => `Bag Attributes\n${pem}the end`],
    ['blank lines', (pem: string) => pem.replaceAll('\n', '\n\n')],
    ['indented lines', (pem: string) => pem.replace(/^/gm, '    ')],
    ['its lines joined by blanks', (pem: string) => pem.replaceAll('\n', ' ')],
  ])('with %s', (_, coat) => {
    for (const pem of [EC, sec1(EC), RSA, pkcs1(RSA)])
      expect(read(coat(pem)).pem.reveal()).toBe(pem === EC || pem === sec1(EC) ? EC : RSA)
  })
})

describe('an encrypted key is opened with its password and stays encrypted', () => {
  test.each([
    ['PKCS#8, EC', encrypted(EC, 'opens'), EC],
    ['PKCS#8, RSA', encrypted(RSA, 'opens'), RSA],
    ['Proc-Type, SEC1', legacy(EC, 'sec1'), EC],
    ['Proc-Type, PKCS#1', legacy(RSA, 'pkcs1'), RSA],
    [
      'Proc-Type, PKCS#1, triple DES, CR LF',
      legacy(RSA, 'pkcs1', 'des-ede3-cbc').replaceAll('\n', '\r\n'),
      RSA,
    ],
  ])('%s', (_, text, plain) => {
    const { pem, password } = read(text, 'opens')
    expect(pem.reveal()).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
    expect(password?.reveal()).toBe('opens')
    expect(pkcs8(createPrivateKey({ key: pem.reveal(), passphrase: 'opens' }))).toBe(plain)

    expect(faultOf(() => read(text))).toMatchObject({
      code: 'KEY_ENCRYPTED',
      retry: 'never',
      message: 'k.pem: the private key is encrypted and no password is configured',
    })
    for (const wrong of ['shuts', '', 'x'.repeat(5000)])
      expect(faultOf(() => read(text, wrong))).toMatchObject({
        code: 'KEY_PASSWORD_WRONG',
        message: 'k.pem: the configured password does not open the private key',
      })
  })

  test('a wrong password is called wrong even when it decrypts to something', () => {
    const pem = encrypted(EC, 'opens')
    for (let i = 0; i < 300; i++)
      expect(faultOf(() => read(pem, `shuts ${i}`)).code).toBe('KEY_PASSWORD_WRONG')
  })

  test('a password for a key that has none is not sent', () => {
    expect(read(EC, 'opens').password).toBeUndefined()
    expect(read(EC, 'opens').pem.reveal()).toBe(EC)
  })

  test('RC2, which no current OpenSSL opens, is named as the reason', () => {
    const der = (tag: string, ...parts: readonly string[]) =>
      `${tag}${(parts.join('').length / 2).toString(16).padStart(2, '0')}${parts.join('')}`
    const rc2 = der('06', '2a864886f70d010c0106') // pbeWithSHA1And40BitRC2-CBC, RFC 7292
    const parameters = der('30', der('04', '00'.repeat(8)), der('02', '0800'))
    const info = der('30', der('30', rc2, parameters), der('04', '00'.repeat(16)))
    const body = Buffer.from(info, 'hex').toString('base64')
    const pem = `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${body}\n-----END ENCRYPTED PRIVATE KEY-----\n`
    expect(faultOf(() => read(pem, 'opens'))).toMatchObject({
      code: 'KEY_INVALID',
      message: 'k.pem: the private key is encrypted in a way no longer supported',
    })
  })
})

test('a key that stands there twice, in one form or two, is one', () => {
  expect(read(RSA + RSA).pem.reveal()).toBe(RSA)
  expect(read(RSA + createPrivateKey(RSA).export({ type: 'pkcs1', format: 'pem' })).pem.reveal()).toBe(RSA)
  expect(faultOf(() => read(RSA + EC)).advice).toContain('Keep the key of this certificate')
})

describe('what is no key is refused, and never quoted', () => {
  test.each([
    ['an empty file', '', 'PAIR_INCOMPLETE', 'k.pem: is empty'],
    ['a key cut short', EC.slice(0, 80), 'PAIR_INCOMPLETE', 'k.pem: ends before the key does'],
    ['something else', 'hello', 'KEY_INVALID', 'k.pem: holds no private key'],
    [
      'a certificate',
      '-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----',
      'KEY_INVALID',
      'k.pem: holds a certificate and no private key',
    ],
    ['two keys', EC + RSA, 'KEY_INVALID', 'k.pem: holds 2 private keys, one is expected'],
    [
      'an OpenSSH key',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nTUlJ\n-----END OPENSSH PRIVATE KEY-----',
      'KEY_INVALID',
      'k.pem: a key of the form "OPENSSH PRIVATE KEY" is not one for certificates',
    ],
    [
      'base64 of nothing',
      EC.replace(/\n.*\n/, '\n*\n'),
      'KEY_INVALID',
      'k.pem: the private key cannot be read',
    ],
    [
      'a line missing',
      RSA.replace(/\n[^-\n]+\n/, '\n'),
      'KEY_INVALID',
      'k.pem: the private key cannot be read',
    ],
  ])('%s', (_, text, code, message) => {
    const fault = faultOf(() => read(text))
    expect(fault).toMatchObject({ code, message })
    expect(fault.cause).toBeUndefined()
    for (const line of text.split('\n').filter(line => line.length > 20 && !line.startsWith('-----')))
      expect(inspect(fault, { depth: 9, showHidden: true })).not.toContain(line.slice(0, 20))
  })
})

/** A root and a leaf under it, signed with this identifier, or with none as OpenSSL does unasked. */
async function pairOf(...identifier: readonly string[]) {
  const cwd = await temporaryDirectory()
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd, stdio: 'pipe' })
  const signing = identifier.flatMap(id => ['-sigopt', `distid:${id}`])
  for (const name of ['root', 'leaf'])
    openssl('ecparam', '-name', 'SM2', '-genkey', '-noout', '-out', `${name}.key`)
  const root = ['-key', 'root.key', '-sm3', ...signing, '-subj', '/CN=root', '-days', '30']
  openssl('req', '-x509', ...root, '-out', 'root.pem')
  const request = ['-key', 'leaf.key', '-sm3', ...signing, '-subj', '/CN=sm2.example']
  openssl('req', '-new', ...request, '-out', 'leaf.csr')
  const checking = identifier.flatMap(id => ['-vfyopt', `distid:${id}`])
  const by = ['-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial', '-sm3', ...signing, '-days', '9']
  openssl('x509', '-req', '-in', 'leaf.csr', ...checking, ...by, '-out', 'leaf.pem')
  const text = (name: string) => readFile(join(cwd, name), 'utf8')
  return { leaf: await text('leaf.pem'), root: await text('root.pem'), key: await text('leaf.key') }
}

describe('a chain of SM2 certificates', () => {
  test.each([
    ['with the identifier that authorities use', ['1234567812345678']],
    ['with none', []],
  ])('signed %s is proven like any other', async (_, identifier) => {
    const { leaf, root, key } = await pairOf(...identifier)
    expect(proven(leaf + root, key)).toMatchObject({
      issuerMissing: false,
      flaws: [],
      notes: ['root CN=root left out'],
    })
    const foreign = await pairOf(...identifier)
    expect(faultOf(() => proven(leaf + foreign.root, key)).code).toBe('UNRELATED_CERTIFICATE')
  })

  test('proves nothing where a bit of the certificate, or the key, is another', async () => {
    const { leaf, root } = await pairOf('1234567812345678')
    const spki = (pem: string) =>
      readCertificate(derOf(pem), 'f').openssl.publicKey.export({ type: 'spki', format: 'der' })
    const signed = readExtensions(derOf(leaf))
    expect(isSignedBySm2(signed, spki(root))).toBe(true)
    expect(isSignedBySm2(signed, spki(leaf))).toBe(false)
    const changed = (bytes: ArrayBuffer) =>
      new Uint8Array(bytes).map((byte, i) => (i === 40 ? byte ^ 1 : byte)).buffer
    expect(isSignedBySm2({ ...signed, tbs: changed(signed.tbs) }, spki(root))).toBe(false)
    expect(isSignedBySm2({ ...signed, signature: changed(signed.signature) }, spki(root))).toBe(false)
  })
})
