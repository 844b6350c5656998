/** One X.509 certificate, as OpenSSL reads it: the same view that says its names proves who signed it. Pure. */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import { alternativeNames, commonNames } from './certificateNames.ts'
import { Fault } from './fault.ts'
import { printable } from './printable.ts'

export interface Certificate {
  readonly der: Buffer
  /** Lower-case hex of the DER's SHA-256. */
  readonly sha256: string
  readonly subject: string
  readonly issuer: string
  /** DNS names and IP addresses of the certificate, else its common name, else its subject: never empty. */
  readonly names: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
  readonly isCa: boolean
  /** OpenSSL's view, which carries the public key and does the checking. */
  readonly openssl: X509Certificate
}

/** @throws Fault CERTIFICATE_INVALID, naming the file and what is wrong. */
export function readCertificate(der: Buffer, file: string): Certificate {
  const openssl = parsed(der, file)
  if (!openssl.raw.equals(der)) throw new Fault('CERTIFICATE_INVALID', `${file}: ${beside(openssl.raw, der)}`)
  // Node's Date of a time that is none is no test: it is made of what OpenSSL left unset, any day at all
  const { validFromDate: notBefore, validToDate: notAfter } = openssl
  if (![openssl.validFrom, openssl.validTo].every(isDate) || !(notAfter.getTime() <= LAST))
    throw new Fault('CERTIFICATE_INVALID', `${file}: a certificate has a date that is none`)
  // without attributes, OpenSSL has no text for it at all, whatever its type says
  const [subject = '', issuer = ''] = [openssl.subject, openssl.issuer] as ReadonlyArray<string | undefined>
  return {
    der,
    sha256: createHash('sha256').update(der).digest('hex'),
    subject: onOneLine(subject),
    issuer: onOneLine(issuer),
    names: namesOf(openssl.subjectAltName, subject),
    notBefore,
    notAfter,
    isCa: openssl.ca,
    openssl,
  }
}

/** OpenSSL passes over what follows, and reads lengths in forms that others refuse; then it writes them as they should be. */
const beside = (read: Buffer, der: Buffer) =>
  der.subarray(0, read.length).equals(read)
    ? 'a certificate block goes on after the certificate ends'
    : 'a certificate block is not DER (X.690)'

const onOneLine = (name: string) => printable(name.replaceAll('\n', ', '), 200)

/** "Bad time value" is none. */
const isDate = (words: string) => !Number.isNaN(Date.parse(words))

/** RFC 5280, 4.1.2.5 ends here; a later year has another form in ISO 8601, which sorts before all others. */
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

function parsed(der: Buffer, file: string): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch (cause) {
    throw new Fault('CERTIFICATE_INVALID', `${file}: a certificate block cannot be read as X.509`, { cause })
  }
}

function namesOf(alternatives: string | undefined, subject: string): readonly string[] {
  const texts = [alternativeNames(alternatives), commonNames(subject), [onOneLine(subject)], ['(no name)']]
  const names = texts.map(some => some.map(text => printable(text, 255)).filter(Boolean))
  return [...new Set(names.find(some => some.length))]
}

/** What to call a certificate in a message: authorities now leave the subject of short-lived ones empty. */
export const titleOf = ({ subject, names }: Certificate) => subject || names[0]

/**
 * Whether it signed itself, proven each time it is asked for: a file may hold thousands. Without looking at its key
 * usage: a server's own certificate signs nothing but itself, and need not say so.
 */
export function isSelfSigned({ openssl }: Certificate): boolean {
  try {
    return openssl.subject === openssl.issuer && openssl.verify(openssl.publicKey)
  } catch {
    return false
  }
}

/** By names, key identifiers and key usage, which anybody can write: candidates for `isSignedBy`. */
export function namesAsIssuer(child: Certificate, parent: Certificate): boolean {
  try {
    return child.openssl.checkIssued(parent.openssl)
  } catch {
    return false
  }
}

/** The signature itself. An algorithm OpenSSL does not know proves nothing. */
export function isSignedBy(child: Certificate, parent: Certificate): boolean {
  try {
    return child.openssl.verify(parent.openssl.publicKey)
  } catch {
    return false
  }
}

export function fits(certificate: Certificate, key: KeyObject): boolean {
  try {
    return certificate.openssl.checkPrivateKey(key)
  } catch {
    return false
  }
}
