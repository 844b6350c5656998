/**
 * Decrypts a private key without opening it: OpenSSL would do both in one call, and what it computes with must be seen
 * first. Pure.
 */
import { createDecipheriv, createHash, getCipherInfo, hash, pbkdf2Sync, scryptSync } from 'node:crypto'
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
import { isKeyForm, sizeProblem } from './keyStructure.ts'

/** The decrypted bytes, or that the password is wrong, or why they are not decrypted. */
type Decrypted = { readonly der: Buffer } | { readonly wrong: true } | { readonly problem: string }

/** For PBKDF2 and for scrypt (N·r·p): half a second. OpenSSL writes 2,048, OWASP recommends 600,000. */
const MAX_ROUNDS = 1_000_000

/** For the derivation of PKCS#12, which takes three calls a round. OpenSSL writes 2,048. */
const MAX_PKCS12_ROUNDS = 100_000

/** For scrypt, in bytes; with OpenSSL's own numbers it takes 16 MiB. */
const MAX_MEMORY = 64 << 20

const UNREADABLE = { problem: 'cannot be read' }

const UNSUPPORTED = { problem: 'is encrypted in a way no longer supported' }

const tooMany = (max: number) => ({ problem: `is encrypted with more than ${max} rounds` })

const PBES2 = '1.2.840.113549.1.5.13'

const PBKDF2 = '1.2.840.113549.1.5.12'

const SCRYPT = '1.3.6.1.4.1.11591.4.11'

/** RFC 7292, appendix C. OpenSSL no longer has those with RC2 and RC4. */
const PKCS12: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.12.1.3': 'des-ede3-cbc',
  '1.2.840.113549.1.12.1.4': 'des-ede-cbc',
}

/** RFC 8018, appendix B.1. */
const DIGESTS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
  '1.2.840.113549.2.12': 'sha512-224',
  '1.2.840.113549.2.13': 'sha512-256',
}

/** Decrypts EncryptedPrivateKeyInfo of PKCS#8 (RFC 5958, 3). */
export function decryptPkcs8(der: Buffer, password: string): Decrypted {
  const problem = sizeProblem(der.length)
  if (problem) return { problem }
  const [algorithm, encrypted] = membersOf(der)
  const [identifier, parameters] = elementsOf(algorithm)
  const [scheme, data] = [identifierOf(identifier), octetsOf(encrypted)]
  if (!scheme || !isSequence(parameters) || !data) return UNREADABLE
  if (scheme === PBES2) return decryptPbes2(elementsOf(parameters), data, password)
  const cipher = PKCS12[scheme]
  if (!cipher) return UNSUPPORTED
  const [first, second] = elementsOf(parameters)
  const [salt, rounds] = [octetsOf(first), integerOf(second)]
  if (!salt || rounds === undefined) return UNREADABLE
  if (rounds > MAX_PKCS12_ROUNDS) return tooMany(MAX_PKCS12_ROUNDS)
  const derive = (purpose: number, size: number) =>
    pkcs12Key(password, salt, { purpose, rounds: Number(rounds), size })
  return decipher(data, cipher, size => derive(1, size), derive(2, 8))
}

function decryptPbes2(
  [derivation, encryption]: readonly Element[],
  data: Buffer,
  password: string,
): Decrypted {
  const [cipher, iv] = elementsOf(encryption)
  const [kdf, parameters] = elementsOf(derivation)
  const [salt, ...numbers] = elementsOf(parameters)
  const [cipherId, ivBytes, saltBytes] = [identifierOf(cipher), octetsOf(iv), octetsOf(salt)]
  if (!cipherId || !identifierOf(kdf) || !saltBytes) return UNREADABLE
  if (!ivBytes) return UNSUPPORTED
  const key = derivationOf(identifierOf(kdf), saltBytes, numbers, password)
  // OpenSSL finds a cipher by its identifier too
  return 'problem' in key ? key : decipher(data, cipherId, key.derive, ivBytes)
}

type Derivation = { readonly problem: string } | { readonly derive: (size: number) => Buffer }

function derivationOf(
  kdf: string | undefined,
  salt: Buffer,
  parameters: readonly Element[],
  password: string,
): Derivation {
  const [first = 0n, second = 0n, third = 0n] = parameters
    .map(integerOf)
    .filter(number => number !== undefined)
  if (kdf === SCRYPT) {
    if (first * second * third > MAX_ROUNDS) return tooMany(MAX_ROUNDS)
    const [N, r, p] = [Number(first), Number(second), Number(third)]
    return { derive: size => scryptSync(password, salt, size, { N, r, p, maxmem: MAX_MEMORY }) }
  }
  if (kdf !== PBKDF2) return UNSUPPORTED
  if (first > MAX_ROUNDS) return tooMany(MAX_ROUNDS)
  const [prf] = elementsOf(parameters.find(isSequence))
  const digest = prf ? DIGESTS[identifierOf(prf) ?? ''] : 'sha1'
  if (!digest) return UNSUPPORTED
  return { derive: size => pbkdf2Sync(password, salt, Number(first), size, digest) }
}

/** Decrypts a key with headers (RFC 1421), as OpenSSL wrote it before PKCS#8: with one round of MD5. */
export function decryptWithHeaders(text: string, password: string): Decrypted {
  const [, cipher = '', hex = '', body = ''] =
    /^DEK-Info: *([\w-]+), *([0-9A-Fa-f]+)\s([\s\S]*?)-----END/m.exec(text) ?? []
  const data = Buffer.from(body, 'base64')
  const problem = sizeProblem(data.length)
  if (problem) return { problem }
  if (!cipher) return UNREADABLE
  const iv = Buffer.from(hex, 'hex')
  const salt = iv.subarray(0, 8)
  const derive = (size: number) => {
    let key = Buffer.alloc(0)
    for (let last = Buffer.alloc(0); key.length < size; key = Buffer.concat([key, last]))
      last = createHash('md5').update(last).update(password).update(salt).digest()
    return key.subarray(0, size)
  }
  return decipher(data, cipher.toLowerCase(), derive, iv)
}

function decipher(data: Buffer, cipher: string, derive: (size: number) => Buffer, iv: Buffer): Decrypted {
  const info = getCipherInfo(cipher)
  if (!info || iv.length !== (info.ivLength ?? 0)) return UNSUPPORTED
  let der: Buffer
  try {
    const stream = createDecipheriv(cipher, derive(info.keyLength), iv)
    der = Buffer.concat([stream.update(data), stream.final()])
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    return WRONG.has(code) ? { wrong: true } : UNSUPPORTED
  }
  // one wrong password in 256 decrypts to something
  return isKeyForm(der) ? { der } : { wrong: true }
}

const WRONG: ReadonlySet<string> = new Set(['ERR_OSSL_BAD_DECRYPT', 'ERR_OSSL_WRONG_FINAL_BLOCK_LENGTH'])

/** RFC 7292, appendix B.2, with SHA-1. */
function pkcs12Key(
  password: string,
  salt: Buffer,
  { purpose, rounds, size }: { readonly purpose: number; readonly rounds: number; readonly size: number },
): Buffer {
  const [BLOCK, DIGEST] = [64, 20]
  const filled = (bytes: Buffer) => Buffer.alloc(Math.ceil(bytes.length / BLOCK) * BLOCK, bytes)
  const words = Buffer.from(`${password}\0`, 'utf16le').swap16()
  let input = Buffer.concat([filled(salt), filled(words)])
  const parts: Buffer[] = []
  for (let made = 0; made < size; made += DIGEST) {
    let part = hash('sha1', Buffer.concat([Buffer.alloc(BLOCK, purpose), input]), 'buffer')
    for (let round = 1; round < rounds; round++) part = hash('sha1', part, 'buffer')
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
