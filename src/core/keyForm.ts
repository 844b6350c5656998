/** What a key asks of whoever opens it, told from its outside: OpenSSL would do the work of years that a few bytes ask for. Pure. */
import { type Element, elementsIn } from './der.ts'

export type KeyFormat = 'pkcs8' | 'pkcs1' | 'sec1'

/** In bytes. RSA of 16,384 bits, the longest that OpenSSL signs with, takes 9,300. */
const LARGEST = 12_288
/** Of PBKDF2 and of scrypt (N·r·p) alike: half a second. OpenSSL writes 2,048, the careful 600,000. */
const MOST_ROUNDS = 1_000_000

const [SEQUENCE, INTEGER, OCTETS, OBJECT] = [0x30, 0x02, 0x04, 0x06]

/** Whatever label it came under, OpenSSL tries a key as PKCS#8 too: the second element tells them apart. */
const SECOND: Readonly<Record<KeyFormat, number>> = { pkcs8: SEQUENCE, pkcs1: INTEGER, sec1: OCTETS }

/** Identifiers in hex. Those of DSA and DH are left out: opening one computes its public half, however large its numbers. */
const KINDS: ReadonlySet<string> = new Set([
  '2a864886f70d010101', // RSA
  '2a864886f70d01010a', // RSA for PSS alone
  '2a8648ce3d0201', // EC
  '2b6570', // Ed25519
  '2b6571', // Ed448
])
const SCRYPT = '2b06010401da47040b'

const UNREADABLE = 'cannot be read'
const tooLarge = (size: number) => `has ${size} bytes, more than any for certificates`

/** What keeps a plain key from being opened, or nothing. */
export function plainProblem(der: Buffer, format: KeyFormat): string | undefined {
  if (der.length > LARGEST) return tooLarge(der.length)
  const [version, second] = membersOf(der)
  if (version?.tag !== INTEGER || second?.tag !== SECOND[format]) return UNREADABLE
  if (format !== 'pkcs8') return undefined
  const [kind] = elementsIn(second.content) ?? []
  if (kind?.tag !== OBJECT) return UNREADABLE
  return KINDS.has(kind.content.toString('hex')) ? undefined : 'is of a kind that is not for certificates'
}

/** What keeps an encrypted PKCS#8 key from being opened, or nothing. */
export function lockProblem(der: Buffer): string | undefined {
  if (der.length > LARGEST) return tooLarge(der.length)
  const [algorithm] = membersOf(der)
  const parts = algorithm?.tag === SEQUENCE ? flat(algorithm.content) : undefined
  if (!parts) return UNREADABLE
  const numbers = parts.filter(({ tag }) => tag === INTEGER).map(({ content }) => numberOf(content))
  const isScrypt = parts.some(({ tag, content }) => tag === OBJECT && content.toString('hex') === SCRYPT)
  // PBKDF2 and PKCS#12 have their rounds, and perhaps the length of the key, which is less
  const rounds = isScrypt ? numbers.slice(0, 3).reduce((a, b) => a * b, 1) : Math.max(0, ...numbers)
  return rounds > MOST_ROUNDS ? `is encrypted with more than ${MOST_ROUNDS} rounds` : undefined
}

/** What keeps a key whose encryption stands in headers (RFC 1421) from being opened, or nothing. Base64 is a third longer. */
export const headedProblem = (text: string) => (text.length > LARGEST * 2 ? tooLarge(text.length) : undefined)

/** The elements of the one sequence that the bytes are to be. */
function membersOf(der: Buffer): readonly Element[] {
  const [whole, ...more] = elementsIn(der) ?? []
  return whole?.tag === SEQUENCE && !more.length ? (elementsIn(whole.content) ?? []) : []
}

/** Every element at any depth that holds no others; undefined where the form is broken anywhere. */
function flat(bytes: Buffer): readonly Element[] | undefined {
  const found: Element[] = []
  const queue = [bytes]
  for (const content of queue) {
    const elements = elementsIn(content)
    if (!elements) return undefined
    for (const element of elements) {
      if (element.tag === SEQUENCE) queue.push(element.content)
      else found.push(element)
    }
  }
  return found
}

/** Large ones only nearly. */
const numberOf = (content: Buffer) => Number(`0x${content.toString('hex') || '0'}`)
