/**
 * Whether a private key is whole. OpenSSL takes its numbers on trust and compares only public halves: a key with a wrong
 * bit in its private half fits its certificate, and fails at the first handshake. Pure.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

export function isSound(key: KeyObject): boolean {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return isSoundRsa(key)
    case 'ed25519':
    case 'ed448':
      return true // their public half is computed, never read
    default:
      return signs(key)
  }
}

/** OpenSSL mends a signature that a wrong prime spoilt, so signing proves little; the numbers are held to RFC 8017, 3.2. */
function isSoundRsa(key: KeyObject): boolean {
  const { n, e, d, p, q, dp, dq, qi } = numbersIn(key)
  if (p <= 1n || q <= 1n || n % (p * q) !== 0n) return false
  const fits = (prime: bigint, part: bigint) =>
    (e * d) % (prime - 1n) === 1n % (prime - 1n) && (part - d) % (prime - 1n) === 0n
  const agree = fits(p, dp) && fits(q, dq) && (q * qi) % p === 1n
  // of more than two primes the others are not exported
  return agree && (n === p * q || signs(key))
}

function numbersIn(key: KeyObject) {
  const words = key.export({ format: 'jwk' })
  const [n, e, d] = [numberOf(words.n), numberOf(words.e), numberOf(words.d)]
  const [p, q] = [numberOf(words.p), numberOf(words.q)]
  const [dp, dq, qi] = [numberOf(words.dp), numberOf(words.dq), numberOf(words.qi)]
  return { n, e, d, p, q, dp, dq, qi }
}

const numberOf = (word = '') => BigInt(`0x${Buffer.from(word, 'base64url').toString('hex') || '0'}`)

function signs(key: KeyObject): boolean {
  const message = Buffer.from('certferry')
  try {
    // null: each kind's own digest; SM2 signs with no other
    return verify(null, message, createPublicKey(key), sign(null, message, key))
  } catch {
    return false
  }
}
