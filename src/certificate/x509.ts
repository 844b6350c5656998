/** One X.509 certificate, as OpenSSL reads it: the same view that says its names proves who signed it. Pure. */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import { Fault } from '../errors.ts'
import { printableText } from '../terminal/text.ts'
import { type Element, elementsIn } from './der.ts'
import { isSignedBySm2, SM2_WITH_SM3 } from './sm2.ts'

/**
 * Node quotes, as JSON strings, all values that hold a comma, a quote or anything not printable (CVE-2021-44532): what
 * stands unquoted ends at the next comma, and a name cannot pretend to be two.
 */
const ALTERNATIVE = /(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)/g

/** DNS names and IP addresses, in their order. */
export function alternativeNames(text: string | undefined): readonly string[] {
  return Array.from((text ?? '').matchAll(ALTERNATIVE)).flatMap(([, kind, value = '']) => {
    if (kind === 'DNS') return [value.startsWith('"') ? unquoted(value) : value]
    return kind === 'IP Address' ? [addressOf(value)] : []
  })
}

function unquoted(value: string): string {
  try {
    return String(JSON.parse(value))
  } catch {
    return value
  }
}

/** IPv6 as everybody writes it: OpenSSL shortens nothing and writes capitals. */
const addressOf = (text: string) => URL.parse(`http://[${text}]`)?.hostname.slice(1, -1) ?? text

/** One attribute stands on each line, or several with a plus between them; a plus in a value is escaped. */
const COMMON_NAME = /(?:^| \+ )CN=((?:\\.|[^\\\n])*?)(?= \+ |$)/gm

/** Of the subject as OpenSSL writes it, without the escapes of RFC 2253. */
export const commonNames = (subject: string): readonly string[] =>
  Array.from(subject.matchAll(COMMON_NAME), ([, name = '']) => unescaped(name))

const unescaped = (text: string) =>
  text.replace(/\\([0-9A-F]{2}|.)/gs, (_, mark: string) =>
    mark.length === 2 ? String.fromCharCode(Number.parseInt(mark, 16)) : mark,
  )

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
  /** What it says of itself as an issuer. */
  readonly authority: Authority
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
    authority: authorityIn(der),
    openssl,
  }
}

/** OpenSSL passes over what follows, and reads lengths in forms that others refuse; then it writes them as they should be. */
const beside = (read: Buffer, der: Buffer) =>
  der.subarray(0, read.length).equals(read)
    ? 'a certificate block goes on after the certificate ends'
    : 'a certificate block is not DER (X.690)'

const onOneLine = (name: string) => printableText(name.replaceAll('\n', ', '), 200)

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
  const names = texts.map(some => some.map(text => printableText(text, 255)).filter(Boolean))
  return [...new Set(names.find(some => some.length))]
}

/** What to call a certificate in a message: authorities now leave the subject of short-lived ones empty. */
export const displayNameOf = ({ subject, names }: Certificate) => subject || names[0]

/**
 * Whether it signed itself, proven each time it is asked for: a file may hold thousands. Without looking at its key
 * usage: a server's own certificate signs nothing but itself, and need not say so.
 */
export const isSelfSigned = (one: Certificate): boolean =>
  one.openssl.subject === one.openssl.issuer && isSignedBy(one, one)

/** By names and key identifiers, which anybody can write: candidates for `isSignedBy`. */
export function namesAsIssuer(child: Certificate, parent: Certificate): boolean {
  try {
    // OpenSSL takes none whose key usage lacks keyCertSign: that is an objection, and no reason to call it a stranger
    return (
      child.openssl.checkIssued(parent.openssl) ||
      (!parent.authority.maySign && child.openssl.issuer === parent.openssl.subject)
    )
  } catch {
    return false
  }
}

/** The signature itself. An algorithm OpenSSL does not know proves nothing. */
export function isSignedBy(child: Certificate, parent: Certificate): boolean {
  try {
    const { publicKey } = parent.openssl
    if (child.openssl.verify(publicKey)) return true
    return (
      child.openssl.signatureAlgorithmOid === SM2_WITH_SM3 &&
      isSignedBySm2(child.der, publicKey.export({ type: 'spki', format: 'der' }))
    )
  } catch {
    return false
  }
}

export const isValid = ({ notBefore, notAfter }: Certificate, now: Date): boolean =>
  notBefore <= now && now < notAfter

/** What clients object to in it as an issuer, or nothing. A root of the first version cannot say what it is. */
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

const day = (date: Date) => date.toISOString().slice(0, 10)

/** Whether it is meant to sign certificates; one of the first version, signed by itself and without names, cannot say so. */
export const isAuthority = (one: Certificate): boolean =>
  one.authority.isCa || (!one.authority.constrained && !one.openssl.subjectAltName && isSelfSigned(one))

interface Authority {
  /** It has extensions: one of the first version has none. */
  readonly extended: boolean
  /** It has basicConstraints. */
  readonly constrained: boolean
  readonly isCa: boolean
  /** Intermediates allowed below it. */
  readonly most: number | undefined
  /** Its key usage, where it has one, allows that it signs certificates. */
  readonly maySign: boolean
}

const BASIC_CONSTRAINTS = '551d13'

const KEY_USAGE = '551d0f'

const [BOOLEAN, INTEGER, EXTENSIONS] = [0x01, 0x02, 0xa3]

/** keyCertSign is bit 5, counted from the highest. */
const KEY_CERT_SIGN = 0x04

/** RFC 5280, 4.2.1.3 and 4.2.1.9: OpenSSL's own word, `ca`, does not say what is missing. */
function authorityIn(der: Buffer): Authority {
  const lists = inside(inside(inside(inside(der)[0])[0]).find(({ tag }) => tag === EXTENSIONS))
  const extensions = new Map(
    lists.flatMap(list =>
      inside(list.content).map(({ content }) => {
        const [id, ...rest] = inside(content)
        return [id?.content.toString('hex'), rest.at(-1)?.content] as const
      }),
    ),
  )
  const constraints = extensions.get(BASIC_CONSTRAINTS)
  const [first, ...rest] = inside(inside(constraints)[0])
  const isCa = first?.tag === BOOLEAN && first.content[0] !== 0
  const most = rest.find(({ tag }) => tag === INTEGER)?.content
  const usage = inside(extensions.get(KEY_USAGE))[0]?.content
  return {
    extended: lists.length > 0,
    constrained: constraints !== undefined,
    isCa,
    most: isCa && most?.length ? Number(`0x${most.toString('hex')}`) : undefined,
    maySign: usage === undefined || ((usage[1] ?? 0) & KEY_CERT_SIGN) !== 0,
  }
}

const inside = (of: Buffer | Element | undefined): readonly Element[] =>
  (of && elementsIn('content' in of ? of.content : of)) || []

export function matchesKey(certificate: Certificate, key: KeyObject): boolean {
  try {
    return certificate.openssl.checkPrivateKey(key)
  } catch {
    return false
  }
}
