/**
 * Decrypts a private key without opening it: OpenSSL would do both in one call, and what it computes with must be seen
 * first. Every function throws a Fault that does not name the file. Pure.
 */
import { createDecipheriv, getCipherInfo, hash, pbkdf2Sync, scryptSync } from 'node:crypto'
import { Fault } from '../errors.ts'
import {
  type Element,
  elementsOf,
  identifierOf,
  integerOf,
  isSequence,
  membersOf,
  numberOf,
  octetsOf,
} from './asn1.ts'
import { encodedIn, isKeyForm, keyFault, requireKeySize } from './keyStructure.ts'

/** For PBKDF2 and for scrypt (N·r·p): half a second. OpenSSL writes 2,048, OWASP recommends 600,000. */
const MAX_ROUNDS = 1_000_000

/** For the derivation of PKCS#12, which takes three calls a round. OpenSSL writes 2,048. */
const MAX_PKCS12_ROUNDS = 100_000

/** For scrypt, in bytes; with OpenSSL's own numbers it takes 16 MiB. */
const MAX_MEMORY = 64 << 20

const PBES2 = '1.2.840.113549.1.5.13'

const PBKDF2 = '1.2.840.113549.1.5.12'

const SCRYPT = '1.3.6.1.4.1.11591.4.11'

/** RFC 7292, appendix C. OpenSSL no longer has those with RC2 and RC4. */
const PKCS12: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.12.1.3': 'des-ede3-cbc',
  '1.2.840.113549.1.12.1.4': 'des-ede-cbc',
}

/** RFC 8018, appendix B.1. */
const DIGESTS: ReadonlyMap<string | undefined, string> = new Map(
  ['sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha512-224', 'sha512-256'].map((name, i) => [
    `1.2.840.113549.2.${7 + i}`,
    name,
  ]),
)

const unreadable = () => keyFault('cannot be read')

const unsupported = () => keyFault('is encrypted in a way no longer supported')

/** Decrypts EncryptedPrivateKeyInfo of PKCS#8 (RFC 5958, 3). */
export function decryptPkcs8(der: Buffer, password: string): Buffer {
  requireKeySize(der)
  const [algorithm, encrypted] = membersOf(der)
  const [scheme, parameters] = elementsOf(algorithm)
  const data = octetsOf(encrypted)
  const [first, second] = elementsOf(parameters)
  const identifier = identifierOf(scheme)
  if (!identifier || !isSequence(parameters) || !data) throw unreadable()
  if (identifier === PBES2) {
    const [cipher, iv] = elementsOf(second)
    const derive = derivationOf(elementsOf(first), password)
    const [name, ivBytes] = [identifierOf(cipher), octetsOf(iv)]
    if (!name) throw unreadable()
    if (!ivBytes) throw unsupported()
    // OpenSSL finds a cipher by its identifier too
    return decipher(data, name, derive, ivBytes)
  }
  const cipher = PKCS12[identifier]
  if (!cipher) throw unsupported()
  const [salt, rounds] = [octetsOf(first), integerOf(second)]
  if (!salt || rounds === undefined) throw unreadable()
  const derive = pkcs12Derivation(password, salt, boundedRounds(rounds, MAX_PKCS12_ROUNDS))
  return decipher(data, cipher, size => derive(1, size), derive(2, 8))
}

function boundedRounds(rounds: bigint, max = MAX_ROUNDS): number {
  if (rounds > max) throw keyFault(`is encrypted with more than ${max} rounds`)
  return Number(rounds)
}

/** Of a password a key of this size. */
type Derivation = (size: number) => Buffer

function derivationOf([kdf, parameters]: readonly Element[], password: string): Derivation {
  const [saltOctets, ...others] = elementsOf(parameters)
  const [name, salt] = [identifierOf(kdf), octetsOf(saltOctets)]
  if (!name || !salt) throw unreadable()
  const numbers = others.map(integerOf).filter(number => number !== undefined)
  const [first = 0n, second = 0n, third = 0n] = numbers
  if (name === SCRYPT) {
    boundedRounds(first * second * third)
    const costs = { N: Number(first), r: Number(second), p: Number(third), maxmem: MAX_MEMORY }
    return size => scryptSync(password, salt, size, costs)
  }
  if (name !== PBKDF2) throw unsupported()
  const rounds = boundedRounds(first)
  const [prf] = elementsOf(others.find(isSequence))
  const digest = prf ? DIGESTS.get(identifierOf(prf)) : 'sha1'
  if (!digest) throw unsupported()
  return size => pbkdf2Sync(password, salt, rounds, size, digest)
}

/** Decrypts a key with headers (RFC 1421), as OpenSSL wrote it before PKCS#8: with one round of MD5. */
export function decryptWithHeaders(text: string, password: string): Buffer {
  const [, cipher = '', hex = '', body = ''] =
    /^DEK-Info: *([\w-]+), *([0-9A-Fa-f]+)\s([\s\S]*?)-----END/m.exec(text) ?? []
  const data = Buffer.from(body, 'base64')
  requireKeySize(data)
  if (!cipher) throw unreadable()
  const iv = Buffer.from(hex, 'hex')
  const derive: Derivation = size => {
    let key = Buffer.alloc(0)
    for (let last = key; key.length < size; key = Buffer.concat([key, last]))
      last = hash('md5', Buffer.concat([last, Buffer.from(password), iv.subarray(0, 8)]), 'buffer')
    return key.subarray(0, size)
  }
  return decipher(data, cipher.toLowerCase(), derive, iv)
}

const WRONG_PASSWORD: readonly unknown[] = ['ERR_OSSL_BAD_DECRYPT', 'ERR_OSSL_WRONG_FINAL_BLOCK_LENGTH']

function decipher(data: Buffer, cipher: string, derive: Derivation, iv: Buffer): Buffer {
  const info = getCipherInfo(cipher)
  if (!info || iv.length !== (info.ivLength ?? 0)) throw unsupported()
  let der: Buffer | undefined
  try {
    const stream = createDecipheriv(cipher, derive(info.keyLength), iv)
    der = Buffer.concat([stream.update(data), stream.final()])
  } catch (error) {
    if (!WRONG_PASSWORD.includes((error as NodeJS.ErrnoException).code)) throw unsupported()
  }
  // one wrong password in 256 decrypts to something
  if (der && isKeyForm(encodedIn(der))) return der
  throw new Fault('KEY_PASSWORD_WRONG', 'the configured password does not open the private key')
}

/** RFC 7292, appendix B.2, with SHA-1. */
function pkcs12Derivation(password: string, salt: Buffer, rounds: number) {
  const [BLOCK, DIGEST] = [64, 20]
  const filled = (bytes: Buffer) => Buffer.alloc(Math.ceil(bytes.length / BLOCK) * BLOCK, bytes)
  const secret = Buffer.from(`${password}\0`, 'utf16le').swap16()
  return (purpose: number, size: number): Buffer => {
    let input = Buffer.concat([filled(salt), filled(secret)])
    const parts: Buffer[] = []
    for (let made = 0; made < size; made += DIGEST) {
      let part = Buffer.concat([Buffer.alloc(BLOCK, purpose), input])
      for (let round = 0; round < rounds; round++) part = hash('sha1', part, 'buffer')
      parts.push(part)
      const addend = numberOf(Buffer.alloc(BLOCK, part)) + 1n
      const blocks = Array.from({ length: input.length / BLOCK }, (_, i) => {
        const sum = numberOf(input.subarray(i * BLOCK, (i + 1) * BLOCK)) + addend
        return Buffer.from((sum % (1n << 512n)).toString(16).padStart(BLOCK * 2, '0'), 'hex')
      })
      input = Buffer.concat(blocks)
    }
    return Buffer.concat(parts).subarray(0, size)
  }
}
