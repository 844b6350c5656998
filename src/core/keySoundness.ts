/**
 * Whether a private key is whole. OpenSSL takes its numbers on trust and compares only public halves: a key with a wrong
 * bit in its private half fits its certificate, and fails at the first handshake. The numbers are computed with and nothing
 * is signed: with the wrong one, OpenSSL's signing for SM2 never ends. Pure.
 */
import { createECDH, createPublicKey, type ECDH, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { element, elementsIn } from './der.ts'
import { INTEGER, membersOf, numberOf, OCTETS, type PlainKey, SEQUENCE } from './keyForm.ts'

const HALVES = 'is damaged: its two halves do not belong together'
const RANGE = 'is damaged: its number is not in the range of its curve'

/** What is wrong with a key that OpenSSL has read, or nothing. */
export function damage(key: PlainKey, object: KeyObject): string | undefined {
  if (key.kind === 'rsa') return isSoundRsa(key) ? undefined : HALVES
  // the public half of Edwards keys is computed, never read
  return key.kind === 'ec' ? damageOfEc(key, object) : undefined
}

/** RFC 8017, 3.2, with any number of primes. */
function isSoundRsa({ members }: PlainKey): boolean {
  const [, n = 0n, e = 0n, d = 0n, p = 0n, q = 0n, dp = 0n, dq = 0n, qi = 0n] = members
    .filter(({ tag }) => tag === INTEGER)
    .map(({ content }) => numberOf(content))
  const others = members
    .filter(({ tag }) => tag === SEQUENCE)
    .flatMap(({ content }) => elementsIn(content) ?? [])
    .map(({ content }) => (elementsIn(content) ?? []).map(one => numberOf(one.content)))
  const fits = (prime: bigint, part: bigint) =>
    prime > 1n && (e * d) % (prime - 1n) === 1n % (prime - 1n) && (part - d) % (prime - 1n) === 0n
  if (!fits(p, dp) || !fits(q, dq) || (q * qi) % p !== 1n) return false
  let product = p * q
  for (const [prime = 0n, part = 0n, coefficient = 0n] of others) {
    if (!fits(prime, part) || (product * coefficient) % prime !== 1n) return false
    product *= prime
  }
  return n === product
}

/** SM2's number of points: its signing adds one to the key's number and divides by the sum. */
const SM2_ORDER = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n

function damageOfEc({ members }: PlainKey, object: KeyObject): string | undefined {
  const curve = curveOf(object)
  const secret = members[1]?.content
  if (!curve || !secret) return HALVES
  if (curve === 'SM2' && numberOf(secret) >= SM2_ORDER - 1n) return RANGE
  const ecdh = createECDH(curve)
  try {
    ecdh.setPrivateKey(secret)
  } catch {
    return RANGE
  }
  const point = pointOf(object)
  return point.equals(publicOf(ecdh, point[0])) ? undefined : HALVES
}

/** The name of its curve; undefined where it has none. Node names every curve but SM2, which is a kind of its own to OpenSSL. */
export const curveOf = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined =>
  asymmetricKeyType === 'ec' ? asymmetricKeyDetails?.namedCurve : 'SM2'

const pointOf = (object: KeyObject): Buffer => {
  const members = membersOf(createPublicKey(object).export({ type: 'spki', format: 'der' }))
  // the first byte of a bit string says how many of its bits are none
  return members[1]?.content.subarray(1) ?? Buffer.alloc(0)
}

function publicOf(ecdh: ECDH, form: number | undefined): Buffer {
  if (form === 2 || form === 3) return ecdh.getPublicKey(null, 'compressed')
  return form === 6 || form === 7
    ? ecdh.getPublicKey(null, 'hybrid')
    : ecdh.getPublicKey(null, 'uncompressed')
}

/** A key that says its curve by numbers, as PKCS#8 that names it: what else reads such a key is rare. */
export function withNamedCurve({ members }: PlainKey, curve: string): Buffer {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: curve })
  const algorithm = membersOf(publicKey.export({ type: 'spki', format: 'der' }))[0]?.content
  const [version, secret] = [
    element(INTEGER, Buffer.of(1)),
    element(OCTETS, members[1]?.content ?? Buffer.alloc(0)),
  ]
  return element(
    SEQUENCE,
    element(INTEGER, Buffer.of(0)),
    element(SEQUENCE, algorithm ?? Buffer.alloc(0)),
    element(OCTETS, element(SEQUENCE, version, secret)),
  )
}
