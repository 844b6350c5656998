/** Reads the names and the extensions of a certificate. Pure. */
import { AsnConvert } from '@peculiar/asn1-schema'
import * as asn from '@peculiar/asn1-x509'
import {
  bitsOf,
  bytesOf,
  type Element,
  elementsOf,
  identifierOf,
  isTagged,
  membersOf,
  octetsOf,
} from './asn1.ts'

export interface Extensions {
  /** Read when they are asked for. */
  readonly commonNames: () => readonly string[]
  /** DNS names and IP addresses, in their order. */
  readonly alternativeNames: readonly string[]
  /** Hex, as the next. */
  readonly keyId: string | undefined
  readonly authorityKeyId: string | undefined
  readonly keyUsage: readonly string[] | undefined
  readonly policies: readonly string[] | undefined
  readonly authority: Authority
  /** The extensions that cannot be read, such as "keyUsage (2.5.29.15)". */
  readonly unreadable: readonly string[]
  /** For a signature that OpenSSL cannot check. */
  readonly tbs: Buffer
  readonly signature: Buffer
}

/** What a certificate says about itself as an issuer. */
export interface Authority {
  /** It has extensions; a certificate of version 1 has none. */
  readonly extended: boolean
  /** It has basicConstraints. */
  readonly constrained: boolean
  readonly isCa: boolean
  /** How many intermediates it allows below it. */
  readonly pathLength?: number | undefined
  /** Its key usage, if it has one, allows it to sign certificates. */
  readonly maySign: boolean
  /** Its extended key usage, if it has one, allows certificates for TLS servers below it. */
  readonly forServers: boolean
}

/** serverAuth, any, and what Microsoft and Netscape called step-up; RFC 5280, 4.2.1.12. */
const FOR_SERVERS: readonly string[] = [
  '1.3.6.1.5.5.7.3.1',
  '2.5.29.37.0',
  '1.3.6.1.4.1.311.10.3.3',
  '2.16.840.1.113730.4.1',
]

/** The extensions that are read, by identifier. */
const TYPES = {
  '2.5.29.14': ['subjectKeyIdentifier', asn.SubjectKeyIdentifier],
  '2.5.29.15': ['keyUsage', asn.KeyUsage],
  '2.5.29.17': ['subjectAltName', asn.SubjectAlternativeName],
  '2.5.29.18': ['issuerAltName', asn.IssueAlternativeName],
  '2.5.29.19': ['basicConstraints', asn.BasicConstraints],
  '2.5.29.31': ['cRLDistributionPoints', asn.CRLDistributionPoints],
  '2.5.29.32': ['certificatePolicies', asn.CertificatePolicies],
  '2.5.29.35': ['authorityKeyIdentifier', asn.AuthorityKeyIdentifier],
  '2.5.29.37': ['extKeyUsage', asn.ExtendedKeyUsage],
  '1.3.6.1.5.5.7.1.1': ['authorityInfoAccess', asn.AuthorityInfoAccessSyntax],
} as const

const { KeyUsageFlags } = asn

const USAGES = Object.values(KeyUsageFlags).filter(name => typeof name === 'string') as ReadonlyArray<
  keyof typeof KeyUsageFlags
>

/** Of a certificate. One with 500 names has 1,100. */
const MAX_ELEMENTS = 10_000

/** @throws RangeError where the structure itself cannot be read; one extension that cannot be is only named. */
export function readExtensions(der: Buffer): Extensions {
  const [tbs, , signed] = membersOf(der, MAX_ELEMENTS)
  const signature = bitsOf(signed)
  const members = elementsOf(tbs)
  // a version, where it has extensions; then serial number, algorithm, issuer, validity, subject and key
  const [, , , , subject, key, ...others] = isTagged(members[0], 0) ? members.slice(1) : members
  if (!tbs || !signature || !subject || !key) throw new RangeError('not the structure of a certificate')
  const extensions = elementsOf(elementsOf(others.find(one => isTagged(one, 3)))[0]).map(extensionIn)
  const readable: unknown[] = []
  const unreadable: string[] = []
  for (const { identifier, value } of extensions) {
    const [name, type] = TYPES[identifier as keyof typeof TYPES] ?? []
    if (!type) continue
    try {
      readable.push(AsnConvert.parse<unknown>(value, type))
    } catch {
      unreadable.push(`${name} (${identifier})`)
    }
  }
  const find = <T>(type: new () => T) => readable.find((one): one is T => one instanceof type)
  const constraints = find(asn.BasicConstraints)
  const usages = find(asn.KeyUsage)?.toNumber()
  const purposes = find(asn.ExtendedKeyUsage)
  const policies = find(asn.CertificatePolicies)
  return {
    commonNames: () => commonNamesIn(subject),
    alternativeNames: [...(find(asn.SubjectAlternativeName) ?? [])].flatMap(
      ({ dNSName, iPAddress }) => dNSName ?? iPAddress ?? [],
    ),
    keyId: hexOf(find(asn.SubjectKeyIdentifier)),
    authorityKeyId: hexOf(find(asn.AuthorityKeyIdentifier)?.keyIdentifier),
    keyUsage: usages === undefined ? undefined : USAGES.filter(usage => usages & KeyUsageFlags[usage]),
    policies: policies && [...policies].map(({ policyIdentifier }) => policyIdentifier),
    authority: {
      extended: extensions.length > 0,
      constrained: constraints !== undefined,
      isCa: constraints?.cA ?? false,
      pathLength: constraints?.cA ? constraints.pathLenConstraint : undefined,
      maySign: usages === undefined || (usages & KeyUsageFlags.keyCertSign) !== 0,
      forServers: !purposes || [...purposes].some(purpose => FOR_SERVERS.includes(purpose)),
    },
    unreadable,
    tbs: bytesOf(tbs),
    signature,
  }
}

const COMMON_NAME = '2.5.4.3'

const commonNamesIn = (subject: Element): readonly string[] =>
  AsnConvert.parse(bytesOf(subject), asn.Name)
    .flat()
    .flatMap(({ type, value }) => (type === COMMON_NAME ? value.toString() : []))

/** Whether it is critical, which may stand between the two, is for clients. */
function extensionIn(element: Element) {
  const parts = elementsOf(element)
  const [identifier, value] = [identifierOf(parts[0]), octetsOf(parts.at(-1))]
  if (identifier === undefined || !value) throw new RangeError('not the structure of an extension')
  return { identifier, value }
}

const hexOf = (octets: { readonly buffer: ArrayBuffer } | undefined) =>
  octets && Buffer.from(octets.buffer).toString('hex')
