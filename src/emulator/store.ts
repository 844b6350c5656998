/** Reads and checks uploaded PEM the way the service does, and stores it in memory. Pure. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Secret } from '../secret.ts'
import { ApiError } from './errors.ts'
import type { Tag } from './parameters.ts'

export type Chain = readonly [X509Certificate, ...X509Certificate[]]

const BLOCK = /-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+)\n-----END CERTIFICATE-----/g

/** The SM2 curve's object identifier, 1.2.156.10197.1.301, as it stands in a certificate's public key. */
const SM2 = Buffer.from('06082a811ccf5501822d', 'hex')

const unixLines = (text: string) => text.replaceAll('\r\n', '\n')

/** The result of an unquoted `$(cat chain.pem)`: markers and content on one line. */
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

/** Every certificate in the text, in order. Between the blocks only line ends are allowed. */
export function readCertificates(text: string): Chain {
  const pem = unixLines(text)
  if (lostItsLines(pem)) throw new ApiError('invalid')
  if (/[^\n]/.test(pem.replaceAll(BLOCK, ''))) throw new ApiError('parse')
  const [leaf, ...rest] = Array.from(pem.matchAll(BLOCK), ([, body = '']) => readBlock(body))
  if (leaf === undefined) throw new ApiError('parse')
  return [leaf, ...rest]
}

/** The service refuses a padded line ("mind extra spaces") that OpenSSL would read. */
const padded = (pem: string) => /^[ \t]|[ \t]$/m.test(pem)

function readKey(text: string, password: string | undefined): KeyObject {
  const pem = unixLines(text)
  if (padded(pem)) throw new ApiError('parse')
  try {
    return createPrivateKey(password === undefined ? pem : { key: pem, passphrase: password })
  } catch {
    throw new ApiError('parse') // without the cause: OpenSSL's message may quote the key
  }
}

const signedBy = (child: X509Certificate, parent: X509Certificate) =>
  child.checkIssued(parent) && child.verify(parent.publicKey)

/** A certificate does not follow itself, even if it is self-signed. */
const follows = (child: X509Certificate, parent: X509Certificate) =>
  child.fingerprint256 !== parent.fingerprint256 && signedBy(child, parent)

interface Pair {
  readonly certificate: string
  readonly key: string | undefined
  readonly password: string | undefined
}

/** A server's chain, in order and fitting its key. Dates are not checked: the service takes expired certificates. */
export function readServerPair(pair: Pair): Chain {
  const chain = readCertificates(pair.certificate)
  if (!pair.key) throw new ApiError('keyless')
  const key = readKey(pair.key, pair.password)
  if (!chain[0].checkPrivateKey(key)) throw new ApiError('mismatch')
  const broken = chain.slice(1).some((parent, i) => !follows(chain[i] ?? parent, parent))
  if (broken) throw new ApiError('chain')
  return chain
}

/** Certificates of authorities. They need no key and need not form a chain. */
export function readAuthorities(text: string): Chain {
  const chain = readCertificates(text)
  if (!chain.every(certificate => certificate.ca)) throw new ApiError('authority')
  return chain
}

export type CertificateType = 'SVR' | 'CA'

interface NewCertificate {
  readonly type: CertificateType
  readonly alias: string
  readonly projectId: number
  readonly use: string
  readonly tags: readonly Tag[]
  readonly insertedAt: Date
  /** As received. */
  readonly chainPem: string
  /** As received. */
  readonly keyPem: Secret | undefined
}

export interface StoredCertificate extends NewCertificate {
  readonly id: string
  /** The common name first, then the other names of the leaf. */
  readonly names: readonly string[]
  /** SHA-256 over the leaf's DER, lower-case hex. */
  readonly fingerprint: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** The key's, as the service names it. */
  readonly algorithm: 'RSA' | 'ECC'
}

export interface CertificateStore {
  /** A new ID, unless one is given. */
  readonly add: (certificate: NewCertificate, chain: Chain, id?: string) => StoredCertificate
  readonly get: (id: string) => StoredCertificate | undefined
  /** Removed ones too: what serves a certificate has a copy of its own. */
  readonly everStored: (id: string) => StoredCertificate | undefined
  /** False if there is no certificate of this ID. */
  readonly remove: (id: string) => boolean
  /** Oldest first. */
  readonly all: () => readonly StoredCertificate[]
  /** The oldest copy. */
  readonly find: (fingerprint: string, type?: CertificateType) => StoredCertificate | undefined
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Eight characters of [A-Za-z0-9]. If the ID is taken, the next one is tried, so that constant dice work too. */
function newCertificateId(dice: () => number, taken: (id: string) => boolean): string {
  const digits = (n: number) =>
    Array.from({ length: 8 }, (_, i) => ALPHABET[Math.floor(n / ALPHABET.length ** i) % ALPHABET.length])
  let n = Math.floor(dice() * ALPHABET.length ** 8)
  while (taken(digits(n).join(''))) n += 1
  return digits(n).join('')
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
  const stored = new Map<string, StoredCertificate>()
  const removed = new Map<string, StoredCertificate>()
  const all = () => [...stored.values()]
  return {
    add: (certificate, [leaf], id) => {
      const added = {
        ...certificate,
        id: id ?? newCertificateId(dice, taken => stored.has(taken)),
        names: namesOf(leaf),
        fingerprint: fingerprintOf(leaf),
        notBefore: new Date(leaf.validFrom),
        notAfter: new Date(leaf.validTo),
        algorithm: leaf.publicKey.asymmetricKeyType === 'rsa' ? ('RSA' as const) : ('ECC' as const),
      }
      stored.set(added.id, added)
      return added
    },
    get: id => stored.get(id),
    everStored: id => stored.get(id) ?? removed.get(id),
    remove: id => {
      const certificate = stored.get(id)
      if (certificate !== undefined) removed.set(id, certificate)
      return stored.delete(id)
    },
    all,
    find: (fingerprint, type) =>
      all().find(each => each.fingerprint === fingerprint && (type ?? each.type) === each.type),
  }
}
