/** What a private key is, told from its bytes and not from its label: OpenSSL does the work of years that a few bytes ask for. Pure. */
import { type Element, elementsIn } from './der.ts'

/** A key that is not encrypted. */
export interface PlainKey {
  readonly format: 'pkcs8' | 'pkcs1' | 'sec1'
  readonly kind: Kind
  /** The members of RSAPrivateKey or ECPrivateKey; of Edwards keys none. */
  readonly members: readonly Element[]
  /** An EC key may say its curve by numbers instead of by name. */
  readonly explicitCurve: boolean
}

type Kind = 'rsa' | 'ec' | 'edwards'

/** Either the key, or why it is not opened. */
type KeyReading = PlainKey | { readonly problem: string }

/** In bytes. RSA of 16,384 bits, the longest that OpenSSL signs with, takes 9,300. */
const LARGEST = 12_288

/** Of RSA; a zero may stand before it. */
const LONGEST_NUMBER = 16_384 / 8 + 1

/** The widest curve of all has 571 bits; OpenSSL reads larger numbers than these and computes with them. */
const LONGEST_SECRET = 128

export const [SEQUENCE, INTEGER, OCTETS, OBJECT] = [0x30, 0x02, 0x04, 0x06]

const CURVE_IN_SEC1 = 0xa0

/** Identifiers in hex. Those of DSA and DH are left out: opening one computes its public half, however large its numbers. */
const KINDS: ReadonlyMap<string, Kind> = new Map([
  ['2a864886f70d010101', 'rsa'],
  ['2a864886f70d01010a', 'rsa'], // for PSS alone
  ['2a8648ce3d0201', 'ec'],
  ['2b6570', 'edwards'], // Ed25519
  ['2b6571', 'edwards'], // Ed448
])

const UNREADABLE = { problem: 'cannot be read' }

const FOREIGN = { problem: 'is of a kind that is not for certificates' }

export const tooLarge = (size: number) =>
  size > LARGEST ? `has ${size} bytes, more than any for certificates` : undefined

/** Whether the bytes are an encrypted PKCS#8 key: a key of any other form begins with a version. */
export const isLockedForm = (der: Buffer) => membersOf(der)[0]?.tag === SEQUENCE

/** Whether the bytes have the form of a private key of any kind, for certificates or not. */
export const isKeyForm = (der: Buffer) => {
  const [version, second] = membersOf(der)
  return version?.tag === INTEGER && second !== undefined
}

export function plainKey(der: Buffer): KeyReading {
  const problem = tooLarge(der.length)
  if (problem) return { problem }
  const members = membersOf(der)
  const [version, second, third] = members
  if (version?.tag !== INTEGER) return UNREADABLE
  switch (second?.tag) {
    case SEQUENCE:
      return third?.tag === OCTETS ? wrapped(second.content, third.content) : UNREADABLE
    case INTEGER:
      // six numbers are a DSA key's, as OpenSSL wrote it before PKCS#8
      return members.length === 6 ? FOREIGN : rsa('pkcs1', members)
    case OCTETS:
      return ec('sec1', members, members.find(({ tag }) => tag === CURVE_IN_SEC1)?.content)
    default:
      return UNREADABLE
  }
}

function wrapped(algorithm: Buffer, key: Buffer): KeyReading {
  const [identifier] = elementsIn(algorithm) ?? []
  if (identifier?.tag !== OBJECT) return UNREADABLE
  const kind = KINDS.get(identifier.content.toString('hex'))
  if (!kind) return FOREIGN
  if (kind === 'edwards') return { format: 'pkcs8', kind, members: [], explicitCurve: false }
  const members = membersOf(key)
  if (kind === 'rsa') return rsa('pkcs8', members)
  return ec('pkcs8', members, algorithm.subarray(2 + identifier.content.length))
}

function rsa(format: PlainKey['format'], members: readonly Element[]): KeyReading {
  if (members.length < 9 || !members.slice(0, 9).every(({ tag }) => tag === INTEGER)) return UNREADABLE
  if (members.some(({ tag, content }) => tag === INTEGER && content.length > LONGEST_NUMBER))
    return { problem: 'has numbers of more than 16384 bits' }
  return { format, kind: 'rsa', members, explicitCurve: false }
}

function ec(
  format: PlainKey['format'],
  members: readonly Element[],
  parameters: Buffer | undefined,
): KeyReading {
  const [version, secret] = members
  if (version?.tag !== INTEGER || secret?.tag !== OCTETS) return UNREADABLE
  if (secret.content.length > LONGEST_SECRET) return { problem: 'has a number beyond any curve' }
  return { format, kind: 'ec', members, explicitCurve: parameters?.[0] === SEQUENCE }
}

/** The elements of the one sequence that the bytes are to be. */
export function membersOf(der: Buffer): readonly Element[] {
  const [whole, ...more] = elementsIn(der) ?? []
  return whole?.tag === SEQUENCE && !more.length ? (elementsIn(whole.content) ?? []) : []
}

/** Without its sign, as OpenSSL reads the numbers of a key. */
export const numberOf = (content: Buffer): bigint => BigInt(`0x${content.toString('hex') || '0'}`)
