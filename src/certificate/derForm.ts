/** Tells what DER holds from the order of its elements: a certificate, a key, a container. Pure. */
import { X509Certificate } from 'node:crypto'
import {
  type Element,
  elementsOf,
  identifierOf,
  isBits,
  isInteger,
  isSequence,
  isTagged,
  isTime,
  membersOf,
  octetsOf,
} from './asn1.ts'

export type DerForm =
  | 'derCertificate'
  | 'derKey'
  | 'derPkcs7'
  | 'pkcs12'
  | 'request'
  | 'revocations'
  | 'publicKey'
  | 'der'

/** Of which .1 is what a PKCS#12 container begins with, and .2 is what PKCS#7 signs. */
const PKCS7 = '1.2.840.113549.1.7.'

export function formOfDer(bytes: Buffer): DerForm | undefined {
  const start = bytes.toString('hex', 0, 40)
  // of open length (BER), as some programs write containers
  if (start.startsWith('308006092a864886f70d010702')) return 'derPkcs7'
  if (start.startsWith('3080020103')) return 'pkcs12'
  const members = membersOf(bytes)
  const [first, second, third] = members
  if (!first) return undefined
  const identifier = identifierOf(first)
  if (identifier) return identifier.startsWith(PKCS7) ? 'derPkcs7' : 'der'
  if (isInteger(first)) {
    if (identifierOf(elementsOf(second)[0])?.startsWith(PKCS7)) return 'pkcs12'
    if (members.length === 2 && isInteger(second)) return 'publicKey'
    return second ? 'derKey' : 'der'
  }
  if (!isSequence(first)) return 'der'
  if (members.length === 2 && octetsOf(second)) return 'derKey'
  if (members.length === 2 && isBits(second)) return 'publicKey'
  return isBits(third) ? formOfSigned(bytes, elementsOf(first)) : 'der'
}

/** What an authority or an applicant signs: a certificate, a request or a revocation list. */
function formOfSigned(bytes: Buffer, parts: readonly Element[]): DerForm {
  if (isTagged(parts[0], 0)) return 'derCertificate'
  if (parts.some(isTime)) return 'revocations'
  if (parts.length <= 4 && isInteger(parts[0])) return 'request'
  return isCertificate(bytes) ? 'derCertificate' : 'der'
}

/** A certificate of version 1 does not state its version. */
function isCertificate(bytes: Buffer): boolean {
  try {
    return new X509Certificate(bytes).raw.length > 0
  } catch {
    return false
  }
}
