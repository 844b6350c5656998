/** What DER holds, told from the order of its elements: certificate, key, container. Pure. */
import { X509Certificate } from 'node:crypto'
import { type Element, elementsIn } from './der.ts'
import { INTEGER, isKeyForm, membersOf, OBJECT, OCTETS, SEQUENCE } from './keyForm.ts'

export type DerForm =
  | 'derCertificate'
  | 'derKey'
  | 'derPkcs7'
  | 'pkcs12'
  | 'request'
  | 'revocations'
  | 'publicKey'
  | 'der'

const [BITS, UTC_TIME, GENERALIZED_TIME, VERSION] = [0x03, 0x17, 0x18, 0xa0]

/** 1.2.840.113549.1.7, of which .1 is what a PKCS#12 container begins with and .2 is what PKCS#7 signs. */
const PKCS7 = '2a864886f70d0107'

export function formOfDer(bytes: Buffer): DerForm | undefined {
  if (bytes[0] !== SEQUENCE) return undefined
  const start = bytes.toString('hex', 0, 40)
  // of open length (BER), as some makers write containers
  if (start.startsWith('308006092a864886f70d010702')) return 'derPkcs7'
  if (start.startsWith('3080020103')) return 'pkcs12'
  const members = membersOf(bytes)
  const [first, second, third] = members
  if (!first) return undefined
  if (first.tag === OBJECT) return first.content.toString('hex').startsWith(PKCS7) ? 'derPkcs7' : 'der'
  if (first.tag === INTEGER) {
    const [identifier] = second?.tag === SEQUENCE ? (elementsIn(second.content) ?? []) : []
    if (identifier?.content.toString('hex').startsWith(PKCS7)) return 'pkcs12'
    if (members.length === 2 && second?.tag === INTEGER) return 'publicKey'
    return isKeyForm(bytes) ? 'derKey' : 'der'
  }
  if (first.tag !== SEQUENCE) return 'der'
  if (members.length === 2 && second?.tag === OCTETS) return 'derKey'
  if (members.length === 2 && second?.tag === BITS) return 'publicKey'
  return third?.tag === BITS ? formOfSigned(bytes, elementsIn(first.content) ?? []) : 'der'
}

/** What an authority or an applicant signs: certificate, request or revocation list. */
function formOfSigned(bytes: Buffer, parts: readonly Element[]): DerForm {
  if (parts[0]?.tag === VERSION) return 'derCertificate'
  if (parts.some(({ tag }) => tag === UTC_TIME || tag === GENERALIZED_TIME)) return 'revocations'
  return parts.length <= 4 && parts[0]?.tag === INTEGER
    ? 'request'
    : isCertificateDer(bytes)
      ? 'derCertificate'
      : 'der'
}

/** One of version 1 says none. */
function isCertificateDer(bytes: Buffer): boolean {
  try {
    return new X509Certificate(bytes).raw.length > 0
  } catch {
    return false
  }
}
