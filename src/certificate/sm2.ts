/**
 * SM2 signatures of certificates (GB/T 32918.2). OpenSSL checks one only against the signer's identifier, which Node
 * cannot give it; authorities sign with the one that RFC 8998, 3.2.1, names. Pure.
 */
import { createHash } from 'node:crypto'
import { ECDSASigValue } from '@peculiar/asn1-ecc'
import { AsnConvert } from '@peculiar/asn1-schema'
import { SubjectPublicKeyInfo } from '@peculiar/asn1-x509'
import { numberOf } from './asn1.ts'

const IDENTIFIER = Buffer.from('1234567812345678')

/** GB/T 32918.5. */
const P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn

const A = P - 3n

const B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n

/** How many points the curve has. */
export const SM2_ORDER = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n

const G: Point = [
  0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
]

type Point = readonly [x: bigint, y: bigint]

/** X/Z², Y/Z³; Z is 0 at infinity. */
type Jacobian = readonly [x: bigint, y: bigint, z: bigint]

/** The curve's identifier, 1.2.156.10197.1.301, as a DER element. */
const CURVE = Buffer.from('06082a811ccf5501822d', 'hex')

export const SM2_WITH_SM3 = '1.2.156.10197.1.501'

interface Signed {
  /** What was signed: the certificate without algorithm and signature. */
  readonly tbs: ArrayBuffer
  readonly signature: ArrayBuffer
}

/** Whether the holder of the key, a SubjectPublicKeyInfo, signed the certificate. */
export function isSignedBySm2({ tbs, signature }: Signed, spki: Buffer): boolean {
  const { algorithm, subjectPublicKey } = AsnConvert.parse(spki, SubjectPublicKeyInfo)
  const [curve, point] = [algorithm.parameters ?? new ArrayBuffer(), subjectPublicKey].map(bytes =>
    Buffer.from(bytes),
  ) as [Buffer, Buffer]
  if (!curve.equals(CURVE) || point.length !== 65 || point[0] !== 4) return false
  const { r, s } = AsnConvert.parse(signature, ECDSASigValue)
  const key: Point = [numberOf(point.subarray(1, 33)), numberOf(point.subarray(33))]
  const digest = sm3(digestOf(key), Buffer.from(tbs))
  return isSound(key) && verifies(numberOf(digest), [numberOf(r), numberOf(s)], key)
}

function verifies(e: bigint, [r, s]: readonly [bigint, bigint], key: Point): boolean {
  const t = mod(r + s, SM2_ORDER)
  if (r < 1n || r >= SM2_ORDER || s < 1n || s >= SM2_ORDER || t === 0n) return false
  const [x, , z] = sum(times(s, G), times(t, key))
  // Fermat's inverse of Z²
  return z !== 0n && mod(e + mod(x * power(z * z, P - 2n), P), SM2_ORDER) === r
}

const sm3 = (...parts: readonly Buffer[]) => {
  const hash = createHash('sm3')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Z of the standard: the signer's identifier, the curve and the key. */
function digestOf(key: Point): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(IDENTIFIER.length * 8)
  return sm3(length, IDENTIFIER, ...[A, B, ...G, ...key].map(bytesOf))
}

const isSound = ([x, y]: Point) => x < P && y < P && mod(y * y - (x * x * x + A * x + B), P) === 0n

const bytesOf = (number: bigint) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex')

const mod = (number: bigint, of: bigint) => ((number % of) + of) % of

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, mod(base, P)]
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % P
    square = (square * square) % P
  }
  return result
}

const INFINITY: Jacobian = [1n, 1n, 0n]

function times(factor: bigint, [x, y]: Point): Jacobian {
  let result = INFINITY
  for (const bit of factor.toString(2)) {
    result = twice(result)
    if (bit === '1') result = sum(result, [x, y, 1n])
  }
  return result
}

/** For a = -3: https://hyperelliptic.org/EFD/g1p/auto-shortw-jacobian-3.html, dbl-2001-b and add-2007-bl. */
function twice([x, y, z]: Jacobian): Jacobian {
  const delta = mod(z * z, P)
  const gamma = mod(y * y, P)
  const beta = mod(x * gamma, P)
  const alpha = mod(3n * (x - delta) * (x + delta), P)
  const x3 = mod(alpha * alpha - 8n * beta, P)
  return [x3, mod(alpha * (4n * beta - x3) - 8n * gamma * gamma, P), mod(2n * y * z, P)]
}

function sum(one: Jacobian, other: Jacobian): Jacobian {
  if (one[2] === 0n) return other
  if (other[2] === 0n) return one
  const [z1z1, z2z2] = [mod(one[2] * one[2], P), mod(other[2] * other[2], P)]
  const [u1, u2] = [mod(one[0] * z2z2, P), mod(other[0] * z1z1, P)]
  const [s1, s2] = [mod(one[1] * other[2] * z2z2, P), mod(other[1] * one[2] * z1z1, P)]
  const [h, r] = [mod(u2 - u1, P), mod(2n * (s2 - s1), P)]
  if (h === 0n) return r === 0n ? twice(one) : INFINITY
  const i = mod(4n * h * h, P)
  const [j, v] = [mod(h * i, P), mod(u1 * i, P)]
  const x3 = mod(r * r - j - 2n * v, P)
  return [x3, mod(r * (v - x3) - 2n * s1 * j, P), mod(2n * one[2] * other[2] * h, P)]
}
