/** Pairs with keys in every form, right and wrong; made by openssl where Node cannot make them. */
import { Buffer } from 'node:buffer'
import { createPrivateKey } from 'node:crypto'
import { stdout } from 'node:process'
import { integer, nothing, octets, oid, pem, rawInteger, sequence } from '../../fixtures/der.ts'
import { encrypted, newKey, pkcs1, pkcs8, sec1 } from '../../fixtures/keys.ts'
import { openssl } from '../../fixtures/openssl.ts'
import { pbkdf2, pkcs12, scrypt } from '../../fixtures/strangeKeys.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { certified, KEY, type StrangePair } from './strangePair.ts'

const PASSWORD = 'correct horse battery staple'
const EC = pkcs8(KEY)

const withHeaders = (cipher: string) =>
  createPrivateKey(EC).export({ type: 'sec1', format: 'pem', cipher, passphrase: PASSWORD }).toString()

const large = (size: number) => rawInteger(Buffer.alloc(size, 0x5b))
const numbers = (...sizes: readonly number[]) => sequence(integer(0), ...sizes.map(large))

const dsa = (size: number) =>
  sequence(
    integer(0),
    sequence(oid('1.2.840.10040.4.1'), sequence(large(size), integer(0xfffffb), large(size))),
    octets(large(size)),
  )

export function keyForms(): readonly StrangePair[] {
  const withKey = (name: string, key: string, verdict: string): StrangePair => ({
    ...certified(`key: ${name}`, {}, verdict),
    key,
  })
  const locked = (name: string, key: string, verdict: string) => ({
    ...withKey(name, key, verdict),
    password: PASSWORD,
  })
  const der = Buffer.from(sec1(EC).split('-----')[2] ?? '', 'base64')
  der[20] = (der[20] ?? 0) ^ 1
  return [
    withKey('SEC 1', sec1(EC), 'pair'),
    withKey('another', pkcs8(newKey()), 'KEY_MISMATCH'),
    withKey('two', EC + pkcs8(newKey()), 'KEY_INVALID'),
    withKey('one, twice', EC + EC, 'pair'),
    withKey('one bit wrong', pem('EC PRIVATE KEY', der), 'KEY_INVALID'),
    withKey('encrypted, no password', encrypted(EC, PASSWORD), 'KEY_ENCRYPTED'),
    locked('encrypted', encrypted(EC, PASSWORD), 'pair'),
    locked('encrypted with headers', withHeaders('aes-256-cbc'), 'pair'),
    locked('encrypted, another password', encrypted(EC, 'other'), 'KEY_PASSWORD_WRONG'),
    locked('PBKDF2 of 2^31 rounds', pbkdf2(2 ** 31), 'KEY_INVALID'),
    locked('PBKDF2 of 2^4000 rounds', pbkdf2(2n ** 4000n), 'KEY_INVALID'),
    locked('PBKDF2 of 10^6 rounds', pbkdf2(1_000_000), 'KEY_PASSWORD_WRONG'),
    locked('PKCS#12 of 2^31 rounds', pkcs12(2 ** 31), 'KEY_INVALID'),
    locked('scrypt of 2^29 lanes', scrypt(2, 1, 2 ** 29), 'KEY_INVALID'),
    locked('scrypt of 1 GiB', scrypt(2 ** 20, 8, 1), 'KEY_INVALID'),
    ...[
      'PRIVATE KEY',
      'RSA PRIVATE KEY',
      'EC PRIVATE KEY',
      'DSA PRIVATE KEY',
      'ENCRYPTED PRIVATE KEY',
    ].flatMap(label => [
      withKey(`DSA of 3,000 bytes as ${label}`, pem(label, dsa(3_000)), 'any'),
      withKey(`DSA of 200 KB as ${label}`, pem(label, dsa(200_000)), 'any'),
      withKey(
        `SEC 1 as ${label}`,
        pem(label, Buffer.from(sec1(EC).split('-----')[2] ?? '', 'base64')),
        'any',
      ),
      withKey(`PKCS#1 as ${label}`, pem(label, numbers(200, 3, 200, 100, 100, 100, 100, 100)), 'any'),
    ]),
    withKey(
      'RSA of 700 KB',
      pem('RSA PRIVATE KEY', numbers(300_000, 3, 300_000, 9, 9, 9, 9, 9)),
      'KEY_INVALID',
    ),
    withKey(
      'RSA with an exponent as long',
      pem('RSA PRIVATE KEY', numbers(256, 256, 256, 128, 128, 128, 128, 128)),
      'KEY_INVALID',
    ),
    withKey(
      'RSA of zeros',
      pem('RSA PRIVATE KEY', sequence(...Array<Buffer>(9).fill(integer(0)))),
      'KEY_INVALID',
    ),
    withKey(
      'of nothing',
      pem('PRIVATE KEY', sequence(integer(0), sequence(nothing()), octets())),
      'KEY_INVALID',
    ),
    withKey('1 MiB of begin lines', '-----BEGIN PRIVATE KEY-----\n'.repeat(36_000), 'PAIR_INCOMPLETE'),
    withKey('4,000 of them', sec1(EC).repeat(4_000), 'pair'),
    withKey('PKCS#1 of RSA for EC', pkcs1(pkcs8(newKey('rsa2048'))), 'KEY_MISMATCH'),
  ]
}

/** SM2, and curves by their numbers instead of their names. */
async function opensslMade(): Promise<readonly StrangePair[]> {
  const folder = await temporaryDirectory()
  const [key, chain] = [`${folder}/key.pem`, `${folder}/chain.pem`]
  const made = async (
    name: string,
    verdict: string,
    ...how: readonly string[]
  ): Promise<readonly StrangePair[]> => {
    try {
      await openssl('genpkey', '-out', key, ...how)
      const digest = name === 'SM2' ? '-sm3' : '-sha256'
      await openssl('req', '-x509', '-new', '-key', key, digest, '-subj', '/CN=made.example', '-out', chain)
      return [
        { name, chain: await openssl('x509', '-in', chain), key: await openssl('pkey', '-in', key), verdict },
      ]
    } catch {
      stdout.write(`openssl cannot make ${name} here: left out\n`)
      return []
    }
  }
  const curve = (name: string) => ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${name}`]
  return [
    ...(await made('SM2', 'pair', ...curve('SM2'))),
    ...(await made('secp256k1 of openssl', 'pair', ...curve('secp256k1'))),
    ...(await made('P-256 by its numbers', 'pair', ...curve('P-256'), '-pkeyopt', 'ec_param_enc:explicit')),
    ...(await made('Ed448', 'pair', '-algorithm', 'ED448')),
  ]
}

export const keys = async (): Promise<readonly StrangePair[]> => [...keyForms(), ...(await opensslMade())]
