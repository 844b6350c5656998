/**
 * One X.509 certificate. OpenSSL (node:crypto) decides whether it is one, its dates, its signature and its key;
 * `@peculiar/x509` reads its names, serial number and extensions. Pure.
 */
import { hash, type KeyObject, X509Certificate } from 'node:crypto'
import { Fault } from '../errors.ts'
import { printableText } from '../terminal/text.ts'
import { type Authority, type Extensions, readExtensions } from './extensions.ts'
import { isSignedBySm2, SM2_WITH_SM3 } from './sm2.ts'

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
  readonly authority: Authority
  /** Undefined where the structure of a certificate is unreadable to `@peculiar/x509`, but not to OpenSSL. */
  readonly extensions: Extensions | undefined
  /** What is unreadable, such as "extension keyUsage (2.5.29.15)". */
  readonly unreadable: readonly string[]
  /** OpenSSL's view, which has the public key and checks signatures. */
  readonly openssl: X509Certificate
}

/** In bytes. OpenSSL and BoringSSL refuse longer chains, and each element takes time to read. */
const MAX_SIZE = 100 << 10

/** RFC 5280, 4.1.2.5, allows no later date; ISO 8601 writes later years in a form that sorts before all others. */
const LAST_DATE = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** Issuers read before, by SHA-256: thousands of server certificates share a few. The oldest is dropped first. */
const issuers = new Map<string, Certificate>()

const MAX_ISSUERS = 64

/**
 * `trusted`: other bytes may follow the certificate, as in OpenSSL's TRUSTED CERTIFICATE.
 * @throws Fault CERTIFICATE_INVALID, naming the file and what is wrong.
 */
export function readCertificate(bytes: Buffer, file: string, trusted = false): Certificate {
  const invalid = (what: string) => new Fault('CERTIFICATE_INVALID', `${file}: ${what}`)
  if (bytes.length > MAX_SIZE)
    throw invalid(`a certificate has ${bytes.length} bytes; TLS clients accept at most ${MAX_SIZE}`)
  const known = issuers.get(sha256Of(bytes))
  if (known) return known

  const openssl = parse(bytes)
  if (!openssl) throw invalid('a certificate block cannot be read as X.509')
  const der = openssl.raw
  // OpenSSL reads lengths in forms that others refuse, and writes them as DER
  if (!bytes.subarray(0, der.length).equals(der)) throw invalid('a certificate block is not DER (X.690)')
  if (bytes.length > der.length && !trusted)
    throw invalid('a certificate block goes on after the certificate ends')
  const { validFrom, validTo, validFromDate: notBefore, validToDate: notAfter } = openssl
  // the dates are garbage where OpenSSL could not read them: only the text says so
  if ([validFrom, validTo].some(text => Number.isNaN(Date.parse(text))) || !(notAfter.getTime() <= LAST_DATE))
    throw invalid('a certificate has an invalid validity date')

  // OpenSSL has no text for an empty name, whatever its type says
  const [subject = '', issuer = ''] = [openssl.subject, openssl.issuer].map(onOneLine)
  let details: Details | undefined
  const readDetails = () => {
    details ??= detailsOf(der, openssl, subject)
    return details
  }
  const certificate: Certificate = {
    der,
    sha256: sha256Of(der),
    subject,
    issuer,
    notBefore,
    notAfter,
    openssl,
    get names() {
      return readDetails().names
    },
    get authority() {
      return readDetails().authority
    },
    get extensions() {
      return readDetails().extensions
    },
    get unreadable() {
      return readDetails().unreadable
    },
  }
  if (openssl.ca) remember(certificate)
  return certificate
}

const sha256Of = (der: Buffer) => hash('sha256', der)

const onOneLine = (name: string | undefined) => printableText((name ?? '').replaceAll('\n', ', '), 200)

function parse(bytes: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes)
  } catch {
    return undefined
  }
}

function remember(issuer: Certificate): void {
  const [oldest = ''] = issuers.keys()
  if (issuers.size >= MAX_ISSUERS) issuers.delete(oldest)
  issuers.set(issuer.sha256, issuer)
}

/** Read when first asked for: a file may hold a thousand certificates, of which one chain is sent. */
type Details = Pick<Certificate, 'names' | 'authority' | 'extensions' | 'unreadable'>

function detailsOf(der: Buffer, openssl: X509Certificate, subject: string): Details {
  let extensions: Extensions
  let names: readonly string[]
  try {
    extensions = readExtensions(der)
    const { alternativeNames, commonNames } = extensions
    names = namesOf(
      () => alternativeNames,
      commonNames,
      () => [subject],
    )
  } catch {
    const authority = { extended: true, constrained: true, isCa: openssl.ca, maySign: true, forServers: true }
    return { names: namesOf(() => [subject]), authority, extensions: undefined, unreadable: ['structure'] }
  }
  const { unreadable } = extensions
  return {
    names,
    // OpenSSL is less strict
    authority:
      unreadable.length && openssl.ca ? { ...extensions.authority, isCa: true } : extensions.authority,
    extensions,
    unreadable: unreadable.map(name => `extension ${name}`),
  }
}

/** The first kind of names that has any. */
function namesOf(...kinds: ReadonlyArray<() => readonly string[]>): readonly string[] {
  for (const kind of kinds) {
    const names = kind()
      .map(text => printableText(text, 255))
      .filter(Boolean)
    if (names.length) return [...new Set(names)]
  }
  return ['(no name)']
}

/** What to call a certificate in a message: authorities leave the subject of short-lived ones empty. */
export const displayNameOf = ({ subject, names }: Certificate) => subject || names[0]

/**
 * Whether it signed itself. Computed on demand, because a file may hold thousands. Its key usage is ignored: a self-signed
 * server certificate need not allow it.
 */
export const isSelfSigned = (one: Certificate): boolean =>
  one.openssl.subject === one.openssl.issuer && isSignedBy(one, one)

/** Compares names and key identifiers, which prove nothing: the result is a candidate for `isSignedBy`. */
export function namesAsIssuer(child: Certificate, parent: Certificate): boolean {
  try {
    // OpenSSL rejects an issuer without keyCertSign: that is a flaw, but it still is the issuer
    return (
      child.openssl.checkIssued(parent.openssl) ||
      (!parent.authority.maySign && child.openssl.issuer === parent.openssl.subject)
    )
  } catch {
    return false
  }
}

/** Of issuers that are remembered, by child and parent. */
const verified = new WeakMap<Certificate, WeakMap<Certificate, boolean>>()

/** Verifies the signature itself, an issuer's once. One of an algorithm that OpenSSL does not know proves nothing. */
export function isSignedBy(child: Certificate, parent: Certificate): boolean {
  if (!issuers.has(child.sha256)) return verify(child, parent)
  const byParent = verified.get(child) ?? new WeakMap<Certificate, boolean>()
  verified.set(child, byParent)
  const result = byParent.get(parent) ?? verify(child, parent)
  byParent.set(parent, result)
  return result
}

function verify(child: Certificate, parent: Certificate): boolean {
  try {
    const { publicKey } = parent.openssl
    if (child.openssl.verify(publicKey)) return true
    const { openssl, extensions } = child
    if (openssl.signatureAlgorithmOid !== SM2_WITH_SM3 || !extensions) return false
    return isSignedBySm2(extensions, publicKey.export({ type: 'spki', format: 'der' }))
  } catch {
    return false
  }
}

export const isValid = ({ notBefore, notAfter }: Certificate, now: Date): boolean =>
  notBefore <= now && now < notAfter

/** Why clients may refuse it as an issuer, or nothing. A root of version 1 cannot state that it is one. */
export function objectionTo(one: Certificate, now: Date): string | undefined {
  const { extended, constrained, isCa, maySign } = one.authority
  if (one.notAfter <= now) return `expired on ${day(one.notAfter)}`
  if (one.notBefore > now) return `is not valid before ${day(one.notBefore)}`
  if (isCa && maySign) return undefined
  if (!extended && isSelfSigned(one)) return undefined
  if (!constrained) return 'does not say that it is an authority (no basicConstraints)'
  if (!isCa) return 'says that it is no authority (CA:FALSE)'
  return 'may not sign certificates (no keyCertSign in its key usage)'
}

/** The same of an issuer of server certificates. Of a root clients ignore what it is for. */
export const objectionToIssuer = (one: Certificate, now: Date): string | undefined =>
  objectionTo(one, now) ??
  (one.authority.forServers || isSelfSigned(one)
    ? undefined
    : 'is not for certificates of TLS servers (no serverAuth in its extended key usage)')

const day = (date: Date) => date.toISOString().slice(0, 10)

/** Whether it is meant to sign certificates. One of version 1, self-signed and without names, cannot state it. */
export const isAuthority = (one: Certificate): boolean =>
  one.authority.isCa ||
  (!one.authority.constrained && !one.extensions?.alternativeNames.length && isSelfSigned(one))

export function matchesKey(certificate: Certificate, key: KeyObject): boolean {
  try {
    return certificate.openssl.checkPrivateKey(key)
  } catch {
    return false
  }
}
