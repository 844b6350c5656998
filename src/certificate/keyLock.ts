/**
 * Opens an encrypted private key without opening what is in it. OpenSSL decrypts and computes in one call; what that computes
 * with is to be seen first. Pure.
 */
import { createDecipheriv, createHash, getCipherInfo, hash, pbkdf2Sync, scryptSync } from 'node:crypto'
import { type Element, elementsIn } from './der.ts'
import { isKeyForm, membersOf, numberOf, OBJECT, OCTETS, SEQUENCE, tooLarge } from './keyForm.ts'

/** What became of the bytes: opened, not opened by this password, or not to be opened at all. */
type Unlocked = { readonly der: Buffer } | { readonly wrong: true } | { readonly problem: string }

/** Of PBKDF2 and of scrypt (N·r·p) alike: half a second. OpenSSL writes 2,048, the careful 600,000. */
const MOST_ROUNDS = 1_000_000

/** Of PKCS#12's derivation, which takes three calls for each. OpenSSL writes 2,048. */
const MOST_CALLS = 100_000

/** What scrypt may take, in bytes; with OpenSSL's own numbers it takes 16 MiB. */
const MOST_MEMORY = 64 << 20

const UNREADABLE = { problem: 'cannot be read' }

const UNSUPPORTED = { problem: 'is encrypted in a way no longer supported' }

const tooMany = (most: number) => ({ problem: `is encrypted with more than ${most} rounds` })

const PBES2 = '2a864886f70d01050d'

const PBKDF2 = '2a864886f70d01050c'

const SCRYPT = '2b06010401da47040b'

/** RFC 7292, appendix C; those with RC2 and RC4 are not in OpenSSL any longer. */
const PKCS12: Readonly<Record<string, string>> = {
  '2a864886f70d010c0103': 'des-ede3-cbc',
  '2a864886f70d010c0104': 'des-ede-cbc',
}

/** RFC 8018, appendix B.1. */
const DIGESTS: Readonly<Record<string, string>> = {
  '2a864886f70d0207': 'sha1',
  '2a864886f70d0208': 'sha224',
  '2a864886f70d0209': 'sha256',
  '2a864886f70d020a': 'sha384',
  '2a864886f70d020b': 'sha512',
  '2a864886f70d020c': 'sha512-224',
  '2a864886f70d020d': 'sha512-256',
}

/** PKCS#8's EncryptedPrivateKeyInfo (RFC 5958, 3). */
export function unlocked(der: Buffer, password: string): Unlocked {
  const problem = tooLarge(der.length)
  if (problem) return { problem }
  const [algorithm, data] = membersOf(der)
  const [scheme, parameters] = within(algorithm)
  if (scheme?.tag !== OBJECT || parameters?.tag !== SEQUENCE || data?.tag !== OCTETS) return UNREADABLE
  const way = hexOf(scheme)
  if (way === PBES2) return pbes2(parameters, data.content, password)
  const cipher = PKCS12[way]
  if (!cipher) return UNSUPPORTED
  const [salt, rounds] = within(parameters)
  if (salt?.tag !== OCTETS || !rounds) return UNREADABLE
  const count = numberOf(rounds.content)
  if (count > MOST_CALLS) return tooMany(MOST_CALLS)
  const derived = (purpose: number, size: number) =>
    pkcs12Key(password, salt.content, { purpose, rounds: Number(count), size })
  return deciphered(data.content, cipher, size => derived(1, size), derived(2, 8))
}

function pbes2(parameters: Element, data: Buffer, password: string): Unlocked {
  const [derivation, encryption] = within(parameters)
  const [cipher, iv] = within(encryption)
  const [function_, how] = within(derivation)
  const [salt, ...numbers] = within(how)
  if (!cipher || !function_ || salt?.tag !== OCTETS) return UNREADABLE
  if (iv?.tag !== OCTETS) return UNSUPPORTED
  const key = derivationOf(hexOf(function_), salt.content, numbers, password)
  if ('problem' in key) return key
  return deciphered(data, dotted(cipher.content), key.derive, iv.content)
}

type Derivation = { readonly problem: string } | { readonly derive: (size: number) => Buffer }

function derivationOf(name: string, salt: Buffer, numbers: readonly Element[], password: string): Derivation {
  const [first = 0n, second = 0n, third = 0n] = numbers
    .filter(({ tag }) => tag !== SEQUENCE)
    .map(({ content }) => numberOf(content))
  if (name === SCRYPT) {
    if (first * second * third > MOST_ROUNDS) return tooMany(MOST_ROUNDS)
    const [N, r, p] = [Number(first), Number(second), Number(third)]
    return { derive: size => scryptSync(password, salt, size, { N, r, p, maxmem: MOST_MEMORY }) }
  }
  if (name !== PBKDF2) return UNSUPPORTED
  if (first > MOST_ROUNDS) return tooMany(MOST_ROUNDS)
  const [choice] = within(numbers.find(({ tag }) => tag === SEQUENCE))
  const digest = choice ? DIGESTS[hexOf(choice)] : 'sha1'
  if (!digest) return UNSUPPORTED
  return { derive: size => pbkdf2Sync(password, salt, Number(first), size, digest) }
}

/** A key whose encryption stands in headers (RFC 1421), as OpenSSL wrote it before PKCS#8: by one round of MD5. */
export function unlockedByHeaders(text: string, password: string): Unlocked {
  const [, cipher = '', hex = '', body = ''] =
    /^DEK-Info: *([\w-]+), *([0-9A-Fa-f]+)\s([\s\S]*?)-----END/m.exec(text) ?? []
  const data = Buffer.from(body, 'base64')
  const problem = tooLarge(data.length)
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
  return deciphered(data, cipher.toLowerCase(), derive, iv)
}

function deciphered(data: Buffer, cipher: string, derive: (size: number) => Buffer, iv: Buffer): Unlocked {
  const info = getCipherInfo(cipher)
  if (!info || iv.length !== (info.ivLength ?? 0)) return UNSUPPORTED
  let der: Buffer
  try {
    const decipher = createDecipheriv(cipher, derive(info.keyLength), iv)
    der = Buffer.concat([decipher.update(data), decipher.final()])
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    return WRONG.has(code) ? { wrong: true } : UNSUPPORTED
  }
  // no finer: one wrong password in 256 decrypts to something
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

const within = (element: Element | undefined): readonly Element[] =>
  element?.tag === SEQUENCE ? (elementsIn(element.content) ?? []) : []

const hexOf = ({ content }: Element) => content.toString('hex')

/** OpenSSL finds a cipher by its identifier too. */
function dotted(identifier: Buffer): string {
  const numbers: number[] = []
  let number = 0
  for (const byte of identifier) {
    number = number * 128 + (byte & 0x7f)
    if (byte & 0x80) continue
    numbers.push(number)
    number = 0
  }
  const [head = 0, ...rest] = numbers
  const first = Math.min(2, Math.floor(head / 40))
  return [first, head - first * 40, ...rest].join('.')
}
