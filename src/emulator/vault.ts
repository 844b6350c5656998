/** The certificates the emulator holds. The one room with state beside the limit and the log of entries. */
import type { X509Certificate } from 'node:crypto'
import type { Secret } from '../core/secret.ts'
import type { Chain } from './certificate.ts'
import type { Tag } from './parameters.ts'

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

export type NewCertificate = Omit<
  StoredCertificate,
  'id' | 'names' | 'fingerprint' | 'notBefore' | 'notAfter'
>

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
