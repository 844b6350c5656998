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
  const parsed = attempt(() => new x509.X509Certificate(der), file)
  const notBefore = parsed.notBefore
  const notAfter = parsed.notAfter
  if (Number.isNaN(notBefore.getTime()) || Number.isNaN(notAfter.getTime())) {
    throw new Fault('CERTIFICATE_INVALID', `${file}: a certificate has a date that is none`)
  }
  return {
    der,
    sha256: createHash('sha256').update(der).digest('hex'),
    subject: printable(parsed.subject, 200),
    issuer: printable(parsed.issuer, 200),
    names: attempt(() => namesOf(parsed), file),
    notBefore,
    notAfter,
    isCa: openssl.ca,
    selfSigned: issued(openssl, openssl),
    openssl,
  }
}

function attempt<T>(read: () => T, file: string): T {
  try {
    return read()
  } catch (cause) {
    throw new Fault('CERTIFICATE_INVALID', `${file}: a certificate block cannot be read as X.509`, { cause })
  }
}

function namesOf(parsed: x509.X509Certificate): readonly string[] {
  const alternatives = parsed.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? []
  const hosts = alternatives
    .filter(({ type }) => type === 'dns' || type === 'ip')
    .map(({ value }) => printable(value, 255))
  if (hosts.length) return [...new Set(hosts)]
  const common = parsed.subjectName.getField('CN').map(value => printable(value, 255))
  return common.length ? common : [printable(parsed.subject, 255) || '(no name)']
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
