/**
 * Real certificates, made in memory by an authority that lives as long as the process.
 * No key and no certificate is ever kept in the repository: a scanner should find none, and none can expire.
 */
import 'reflect-metadata' // @peculiar/x509 registers its encoders through it and must come second
import { createPrivateKey } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import { type Authority, type Issuer, pemOf, sharedAuthority, sign, subjectOf } from './authority.ts'
import { type KeyKind, newKey, pkcs8 } from './keys.ts'

export { type Authority, authority, caCertificate } from './authority.ts'
export { encrypted, type KeyKind, pkcs1, sec1 } from './keys.ts'

const DAY = 86_400_000

export interface Pair {
  /** Leaf and intermediate, LF, one newline at the end. A self-signed pair's chain is its leaf. */
  readonly chain: string
  /** PKCS#8. */
  readonly key: string
  readonly leaf: string
  readonly intermediate: string
  readonly root: string
  readonly names: readonly string[]
  /** As the certificate says it: whole seconds. */
  readonly notBefore: Date
  readonly notAfter: Date
}

export interface Wish {
  /** DNS names and IP addresses; with none the certificate has no alternative names, only its common name. */
  readonly names?: readonly string[]
  readonly commonName?: string
  readonly kind?: KeyKind
  /** Goes on using this key, as acme.sh does on renewal. */
  readonly keyPem?: string
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** Hexadecimal. */
  readonly serial?: string
}

interface LeafShape {
  readonly names: readonly string[]
  readonly nameless: boolean
  readonly rsa: boolean
}

function leafExtensions({ names, nameless, rsa }: LeafShape): readonly x509.Extension[] {
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage
  const alternatives = names.map(value => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }))
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    // RFC 5480, section 3: an EC key enciphers no keys.
    new x509.KeyUsagesExtension(rsa ? digitalSignature | keyEncipherment : digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
    // RFC 5280, 4.2.1.6: critical where the subject is empty.
    ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternatives, nameless)] : []),
  ]
}

const DEFAULT_NAMES = ['example.com', 'www.example.com']

async function signLeaf(wish: Wish, issuer?: Issuer): Promise<Omit<Pair, 'chain' | 'intermediate' | 'root'>> {
  const names = wish.names ?? DEFAULT_NAMES
  const key = wish.keyPem ? createPrivateKey(wish.keyPem) : newKey(wish.kind)
  const subject = subjectOf(wish.commonName ?? names[0] ?? 'nameless.example.com')
  const signed = await sign({
    key,
    subject,
    notBefore: wish.notBefore ?? new Date(Date.now() - DAY),
    notAfter: wish.notAfter ?? new Date(Date.now() + 44 * DAY),
    serial: wish.serial,
    issuer,
    extensions: leafExtensions({
      names,
      nameless: subject.length === 0,
      rsa: key.asymmetricKeyType === 'rsa',
    }),
  })
  const { notBefore, notAfter } = signed.certificate
  return { key: pkcs8(key), leaf: pemOf(signed), names, notBefore, notAfter }
}

export async function issue(wish: Wish & { readonly authority?: Authority } = {}): Promise<Pair> {
  const { issuer, root, intermediate } = wish.authority ?? (await sharedAuthority())
  const signed = await signLeaf(wish, issuer)
  return { ...signed, chain: signed.leaf + intermediate, intermediate, root }
}

/** Its own root; it has no intermediate, so that field is empty. */
export async function selfSigned(wish: Wish = {}): Promise<Pair> {
  const signed = await signLeaf(wish)
  return { ...signed, chain: signed.leaf, intermediate: '', root: signed.leaf }
}
