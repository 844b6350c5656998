/** Reads and judges uploaded PEM the way the service does. Pure. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Secret } from '../secret.ts'
import { ApiError } from './errors.ts'
import type { Tag } from './request.ts'

export type Chain = readonly [X509Certificate, ...X509Certificate[]]

const BLOCK = /-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+)\n-----END CERTIFICATE-----/g

/** The SM2 curve's object identifier, 1.2.156.10197.1.301, as it stands in a certificate's public key. */
const SM2 = Buffer.from('06082a811ccf5501822d', 'hex')

const unixLines = (text: string) => text.replaceAll('\r\n', '\n')

/** Known from `$(cat chain.pem)` and the like: markers are there, but on the same line as the content. */
const lostItsLines = (pem: string) => /-----BEGIN CERTIFICATE-----[^\n]/.test(pem)

function readBlock(body: string): X509Certificate {
  const der = Buffer.from(body, 'base64')
  if (der.includes(SM2)) throw new ApiError('nationalCurve')
  try {
    return new X509Certificate(der)
  } catch {
    throw new ApiError('parse')
  }
}

/** Every certificate in the text, in its order. Anything beside the blocks but line ends is refused. */
export function readCertificates(text: string): Chain {
  const pem = unixLines(text)
  if (lostItsLines(pem)) throw new ApiError('invalid')
  if (/[^\n]/.test(pem.replaceAll(BLOCK, ''))) throw new ApiError('parse')
  const [leaf, ...rest] = Array.from(pem.matchAll(BLOCK), ([, body = '']) => readBlock(body))
  if (leaf === undefined) throw new ApiError('parse')
  return [leaf, ...rest]
}

/** "Mind extra spaces", say the service's own texts: a padded line is refused although OpenSSL would read it. */
const padded = (pem: string) => /^[ \t]|[ \t]$/m.test(pem)

function readKey(text: string, password: string | undefined): KeyObject {
  const pem = unixLines(text)
  if (padded(pem)) throw new ApiError('parse')
  try {
    return createPrivateKey({ key: pem, ...(password === undefined ? {} : { passphrase: password }) })
  } catch {
    throw new ApiError('parse') // the cause is left behind: OpenSSL's words may quote the key
  }
}

const signedBy = (child: X509Certificate, parent: X509Certificate) =>
  child.checkIssued(parent) && child.verify(parent.publicKey)

/** The same certificate twice is an anomaly too, even where it signed itself. */
const follows = (child: X509Certificate, parent: X509Certificate) =>
  child.fingerprint256 !== parent.fingerprint256 && signedBy(child, parent)

interface Pair {
  readonly certificate: string
  readonly key: string | undefined
  readonly password: string | undefined
}

/** A server's chain, proven to be in order and to fit its key. Age is not judged: expired ones are taken. */
export function readServerPair(pair: Pair): Chain {
  const chain = readCertificates(pair.certificate)
  if (!pair.key) throw new ApiError('keyless')
  const key = readKey(pair.key, pair.password)
  if (!chain[0].checkPrivateKey(key)) throw new ApiError('mismatch')
  const broken = chain.slice(1).some((parent, i) => !follows(chain[i] ?? parent, parent))
  if (broken) throw new ApiError('chain')
  return chain
}

/** Certificates to check clients with. They need no key and need not chain, but each must be an authority's. */
export function readAuthorities(text: string): Chain {
  const chain = readCertificates(text)
  if (!chain.every(certificate => certificate.ca)) throw new ApiError('authority')
  return chain
}

export type CertificateType = 'SVR' | 'CA'

export interface StoredCertificate {
  readonly id: string
  readonly type: CertificateType
  readonly alias: string
  readonly projectId: number
  readonly use: string
  readonly tags: readonly Tag[]
  /** The common name first, then the other names of the leaf. */
  readonly names: readonly string[]
  /** SHA-256 over the leaf's DER, lower-case hex. */
  readonly fingerprint: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly insertedAt: Date
  /** As received. */
  readonly chainPem: string
  /** As received, behind a closure: a logged entry must not show it. */
  readonly keyPem: Secret | undefined
}

type NewCertificate = Omit<StoredCertificate, 'id' | 'names' | 'fingerprint' | 'notBefore' | 'notAfter'>

export interface CertificateStore {
  readonly put: (deposit: NewCertificate, chain: Chain) => StoredCertificate
  readonly get: (id: string) => StoredCertificate | undefined
  readonly remove: (id: string) => void
  /** Oldest first. */
  readonly all: () => readonly StoredCertificate[]
  readonly copies: (fingerprint: string, type?: CertificateType) => readonly StoredCertificate[]
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

const SPACE = ALPHABET.length ** 8

/** Eight characters of [A-Za-z0-9]; on a collision the next number, so that stuck dice still yield ids. */
function freshId(dice: () => number, taken: (id: string) => boolean): string {
  const written = (n: number) =>
    Array.from(
      { length: 8 },
      (_, i) => ALPHABET[Math.floor(n / ALPHABET.length ** i) % ALPHABET.length],
    ).join('')
  let n = Math.floor(dice() * SPACE)
  while (taken(written(n))) n += 1
  return written(n)
}

export const fingerprintOf = (leaf: X509Certificate) => leaf.fingerprint256.replaceAll(':', '').toLowerCase()

function namesOf(leaf: X509Certificate): readonly string[] {
  const common = /^CN=(.+)$/m.exec(leaf.subject)?.[1]
  const others = Array.from(
    (leaf.subjectAltName ?? '').matchAll(/(?:DNS|IP Address):([^,]+)/g),
    ([, n = '']) => n,
  )
  return [...new Set(common === undefined ? others : [common, ...others])]
}

export function createStore(dice: () => number): CertificateStore {
  const held = new Map<string, StoredCertificate>()
  const all = () => [...held.values()]
  return {
    put: (deposit, [leaf]) => {
      const certificate = {
        ...deposit,
        id: freshId(dice, id => held.has(id)),
        names: namesOf(leaf),
        fingerprint: fingerprintOf(leaf),
        notBefore: new Date(leaf.validFrom),
        notAfter: new Date(leaf.validTo),
      }
      held.set(certificate.id, certificate)
      return certificate
    },
    get: id => held.get(id),
    remove: id => void held.delete(id),
    all,
    copies: (fingerprint, type) =>
      all().filter(c => c.fingerprint === fingerprint && (type === undefined || c.type === type)),
  }
}
