/** Reads the form of a private key before OpenSSL opens it, and checks that its numbers belong together. Pure. */
import { createECDH, createPublicKey, type ECDH, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { ECPrivateKey } from '@peculiar/asn1-ecc'
import { PrivateKey, PrivateKeyInfo } from '@peculiar/asn1-pkcs8'
import { RSAPrivateKey } from '@peculiar/asn1-rsa'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import { SubjectPublicKeyInfo } from '@peculiar/asn1-x509'
import { Fault } from '../errors.ts'
import {
  bitsOf,
  type Element,
  elementsOf,
  identifierOf,
  isInteger,
  isSequence,
  isTagged,
  membersOf,
  numberOf,
  octetsOf,
} from './asn1.ts'
import { SM2_ORDER } from './sm2.ts'

/** A key that is not encrypted. Of an Edwards key nothing is read: its public half is computed, so it always fits. */
export type PlainKey = { readonly format: 'pkcs8' | 'pkcs1' | 'sec1' } & (
  | { readonly kind: 'rsa'; readonly numbers: RSAPrivateKey }
  | { readonly kind: 'ec'; readonly secret: Buffer; readonly explicitCurve: boolean }
  | { readonly kind: 'edwards' }
)

/** Of which the caller names the file. */
export const keyFault = (problem: string) => new Fault('KEY_INVALID', `the private key ${problem}`)

const unreadable = () => keyFault('cannot be read')

/** In bytes. RSA of 16,384 bits, the longest that OpenSSL signs with, takes 9,300. */
const MAX_SIZE = 12_288

/** In bytes, with the zero that may precede it. */
const MAX_RSA_NUMBER = 16_384 / 8 + 1

/** The widest curve has 571 bits; OpenSSL reads larger numbers than these and computes with them. */
const MAX_EC_NUMBER = 128

/** DSA and DH are left out: opening one computes its public half, however large its numbers. */
const KINDS: ReadonlyMap<string | undefined, PlainKey['kind']> = new Map([
  ['1.2.840.113549.1.1.1', 'rsa'],
  ['1.2.840.113549.1.1.10', 'rsa'], // for PSS alone
  ['1.2.840.10045.2.1', 'ec'],
  ['1.3.101.112', 'edwards'], // Ed25519
  ['1.3.101.113', 'edwards'], // Ed448
])

export function requireKeySize({ length }: Buffer): void {
  if (length > MAX_SIZE) throw keyFault(`has ${length} bytes, more than any for certificates`)
}

/** DER with the elements of its one SEQUENCE. */
export interface Encoded {
  readonly der: Buffer
  readonly members: readonly Element[]
}

export const encodedIn = (der: Buffer): Encoded => ({ der, members: membersOf(der) })

/** Whether it is an encrypted PKCS#8 key: the algorithm, then octets. */
export const isEncryptedForm = ({ der, members: [algorithm, encrypted] }: Encoded): boolean =>
  der.length <= MAX_SIZE && isSequence(algorithm) && octetsOf(encrypted) !== undefined

/** Whether it has the form of a private key of any kind, for certificates or not. */
export const isKeyForm = ({ members: [version, second] }: Encoded): boolean =>
  isInteger(version) && second !== undefined

/** @throws Fault KEY_INVALID where OpenSSL should not open it. */
export function readPlainKey({ der, members }: Encoded): PlainKey {
  requireKeySize(der)
  const [version, second, third] = members
  if (!isInteger(version)) throw unreadable()
  // six numbers are a DSA key's, as OpenSSL wrote it before PKCS#8
  if (isInteger(second) && members.length !== 6) return readRsa('pkcs1', der)
  if (octetsOf(second)) return readEc('sec1', members, elementsOf(members.find(one => isTagged(one, 0)))[0])
  const inner = octetsOf(third)
  const [algorithm, parameters] = elementsOf(second)
  const identifier = identifierOf(algorithm)
  if (!isInteger(second) && (!inner || !identifier)) throw unreadable()
  const kind = KINDS.get(identifier)
  if (kind === 'rsa' && inner) return readRsa('pkcs8', inner)
  if (kind === 'ec' && inner) return readEc('pkcs8', membersOf(inner), parameters)
  if (kind === 'edwards') return { format: 'pkcs8', kind }
  throw keyFault('is of a kind that is not for certificates')
}

function readRsa(format: PlainKey['format'], der: Buffer): PlainKey {
  let numbers: RSAPrivateKey
  try {
    numbers = AsnConvert.parse(der, RSAPrivateKey)
  } catch {
    throw unreadable()
  }
  const all = [numbers, ...(numbers.otherPrimeInfos ?? [])].flatMap(one => Object.values(one))
  if (all.some(number => number instanceof ArrayBuffer && number.byteLength > MAX_RSA_NUMBER))
    throw keyFault('has numbers of more than 16384 bits')
  return { format, kind: 'rsa', numbers }
}

function readEc(
  format: PlainKey['format'],
  [version, number]: readonly Element[],
  parameters: Element | undefined,
): PlainKey {
  const secret = octetsOf(number)
  if (!isInteger(version) || !secret) throw unreadable()
  if (secret.length > MAX_EC_NUMBER) throw keyFault('has a number beyond any curve')
  return { format, kind: 'ec', secret, explicitCurve: isSequence(parameters) }
}

/** @throws Fault KEY_INVALID where the numbers of a key that OpenSSL has read do not belong together. */
export function requireSoundNumbers(key: PlainKey, object: KeyObject): void {
  if (key.kind === 'ec') requireSoundSecret(key.secret, object)
  if (key.kind === 'rsa' && !isConsistent(key.numbers)) throw keyFault(HALVES)
}

const HALVES = 'is damaged: its two halves do not belong together'

const RANGE = 'is damaged: its number is not in the range of its curve'

/** RFC 8017, 3.2, with any number of primes. */
function isConsistent(key: RSAPrivateKey): boolean {
  const [n, e, d, p, q] = [
    numberOf(key.modulus),
    numberOf(key.publicExponent),
    numberOf(key.privateExponent),
    numberOf(key.prime1),
    numberOf(key.prime2),
  ]
  const fits = (prime: bigint, exponent: ArrayBuffer) =>
    prime > 1n &&
    (e * d) % (prime - 1n) === 1n % (prime - 1n) &&
    (numberOf(exponent) - d) % (prime - 1n) === 0n
  if (!fits(p, key.exponent1) || !fits(q, key.exponent2)) return false
  if ((q * numberOf(key.coefficient)) % p !== 1n) return false
  let product = p * q
  for (const other of key.otherPrimeInfos ?? []) {
    const prime = numberOf(other.prime)
    if (!fits(prime, other.exponent) || (product * numberOf(other.coefficient)) % prime !== 1n) return false
    product *= prime
  }
  return n === product
}

function requireSoundSecret(secret: Buffer, object: KeyObject): void {
  const curve = curveOf(object)
  if (!curve) throw keyFault(HALVES)
  // SM2 signs with one more than the key's number, and divides by it
  if (curve === 'SM2' && numberOf(secret) >= SM2_ORDER - 1n) throw keyFault(RANGE)
  const ecdh = createECDH(curve)
  try {
    ecdh.setPrivateKey(secret)
  } catch {
    throw keyFault(RANGE)
  }
  const point = bitsOf(membersOf(spkiOf(createPublicKey(object)))[1])
  if (!point?.equals(computePoint(ecdh, point[0]))) throw keyFault(HALVES)
}

/** The name of its curve; undefined where it has none. Node names every curve but SM2, which is a kind of its own to OpenSSL. */
export const curveOf = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined =>
  asymmetricKeyType === 'ec' ? asymmetricKeyDetails?.namedCurve : 'SM2'

const spkiOf = (key: KeyObject) => key.export({ type: 'spki', format: 'der' })

/** In the form that the first byte of a point says. */
function computePoint(ecdh: ECDH, form: number | undefined): Buffer {
  if (form === 2 || form === 3) return ecdh.getPublicKey(null, 'compressed')
  return ecdh.getPublicKey(null, form === 6 || form === 7 ? 'hybrid' : 'uncompressed')
}

/** Writes an EC key as PKCS#8 that names its curve: few programs read a curve that is described by numbers. */
export function writeWithNamedCurve(secret: Buffer, namedCurve: string): Buffer {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve })
  const { algorithm } = AsnConvert.parse(spkiOf(publicKey), SubjectPublicKeyInfo)
  const key = AsnConvert.serialize(new ECPrivateKey({ privateKey: new OctetString(secret) }))
  const info = new PrivateKeyInfo({ privateKeyAlgorithm: algorithm, privateKey: new PrivateKey(key) })
  return Buffer.from(AsnConvert.serialize(info))
}
