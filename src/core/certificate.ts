/** One X.509 certificate: read by @peculiar/x509, held against OpenSSL for every proof. Pure. */
import 'reflect-metadata' // @peculiar/x509 registers its decoders through it and must come second
import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
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
  readonly selfSigned: boolean
  /** OpenSSL's view, which carries the public key and does the checking. */
  readonly openssl: X509Certificate
}

/** @throws Fault CERTIFICATE_INVALID, naming the file and what is wrong. */
export function readCertificate(der: Buffer, file: string): Certificate {
  const openssl = attempt(() => new X509Certificate(der), file)
  if (openssl.raw.length !== der.length)
    throw new Fault('CERTIFICATE_INVALID', `${file}: a certificate block goes on after the certificate ends`)
  // OpenSSL's dates: the library makes 1899 of letters, and of the 99th a day some months later
  const { validFromDate: notBefore, validToDate: notAfter } = openssl
  if (![openssl.validFrom, openssl.validTo].every(isDate) || !(notAfter.getTime() <= LAST))
    throw new Fault('CERTIFICATE_INVALID', `${file}: a certificate has a date that is none`)
  return {
    ...attempt(() => sayings(new x509.X509Certificate(der)), file),
    der,
    sha256: createHash('sha256').update(der).digest('hex'),
    notBefore,
    notAfter,
    isCa: openssl.ca,
    selfSigned: signedItself(openssl),
    openssl,
  }
}

/** Read inside one attempt: the library decodes some members only when they are asked for. */
const sayings = (parsed: x509.X509Certificate) => ({
  subject: printable(parsed.subject, 200),
  issuer: printable(parsed.issuer, 200),
  names: namesOf(parsed),
})

/** "Bad time value" is none. Node's Date of the same is no test: it is made of what OpenSSL left unset, any day at all. */
const isDate = (words: string) => !Number.isNaN(Date.parse(words))

/** RFC 5280, 4.1.2.5 ends here; a later year has another form in ISO 8601, which sorts before all others. */
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

function attempt<T>(read: () => T, file: string): T {
  try {
    return read()
  } catch (cause) {
    throw new Fault('CERTIFICATE_INVALID', `${file}: a certificate block cannot be read as X.509`, { cause })
  }
}

function namesOf(parsed: x509.X509Certificate): readonly string[] {
  const alternatives = parsed.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? []
  const hosts = alternatives.filter(({ type }) => type === 'dns' || type === 'ip').map(({ value }) => value)
  const texts = [hosts, parsed.subjectName.getField('CN'), [parsed.subject], ['(no name)']]
  const names = texts.map(some => some.map(text => printable(text, 255)).filter(Boolean))
  return [...new Set(names.find(some => some.length))]
}

/** What to call a certificate in a message: authorities now leave the subject of short-lived ones empty. */
export const titleOf = ({ subject, names }: Certificate) => subject || names[0]

/** Without looking at its key usage: a server's own certificate signs nothing but itself, and need not say so. */
function signedItself(certificate: X509Certificate): boolean {
  try {
    return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey)
  } catch {
    return false
  }
}

export const issuedBy = (child: Certificate, parent: Certificate) => issued(child.openssl, parent.openssl)

/** Names, key identifiers, key usage and the signature itself. An algorithm OpenSSL does not know proves nothing. */
function issued(child: X509Certificate, parent: X509Certificate): boolean {
  try {
    return child.checkIssued(parent) && child.verify(parent.publicKey)
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
