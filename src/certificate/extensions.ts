/** Reads the names, the serial number and the extensions of a certificate with `@peculiar/x509`. Pure. */
import 'reflect-metadata' // needed by @peculiar/x509, and before it
import { AsnConvert } from '@peculiar/asn1-schema'
import * as asn from '@peculiar/asn1-x509'
import { KeyUsageFlags, X509Certificate } from '@peculiar/x509'

export interface Extensions {
  /** Read when they are asked for. */
  readonly commonNames: () => readonly string[]
  /** DNS names and IP addresses, in their order. */
  readonly alternativeNames: readonly string[]
  /** Hex, as the identifiers below. */
  readonly serial: string
  readonly keyId: string | undefined
  readonly authorityKeyId: string | undefined
  readonly keyUsage: readonly string[] | undefined
  readonly policies: readonly string[] | undefined
  readonly authority: Authority
  /** The extensions that cannot be read, such as "keyUsage (2.5.29.15)". */
  readonly unreadable: readonly string[]
  /** For a signature that OpenSSL cannot check. */
  readonly tbs: ArrayBuffer
  readonly signature: ArrayBuffer
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

const USAGES = Object.values(KeyUsageFlags).filter(name => typeof name === 'string') as ReadonlyArray<
  keyof typeof KeyUsageFlags
>

/** The library's own classes of extensions encode and decode each one twice, and refuse names of unknown kinds. */
class Certificate extends X509Certificate {
  get structure() {
    return this.asn
  }
}

/** @throws an error of the library where the structure itself cannot be read; one extension that cannot be is only named. */
export function readExtensions(der: Buffer): Extensions {
  const certificate = new Certificate(der)
  const { tbsCertificate, tbsCertificateRaw: tbs = new ArrayBuffer(), signatureValue } = certificate.structure
  const extensions = tbsCertificate.extensions ?? []
  const readable: unknown[] = []
  const unreadable: string[] = []
  for (const { extnID, extnValue } of extensions) {
    const [name, type] = TYPES[extnID as keyof typeof TYPES] ?? []
    if (!type) continue
    try {
      readable.push(AsnConvert.parse<unknown>(extnValue, type))
    } catch {
      unreadable.push(`${name} (${extnID})`)
    }
  }
  const find = <T>(type: new () => T) => readable.find((one): one is T => one instanceof type)
  const constraints = find(asn.BasicConstraints)
  const usages = find(asn.KeyUsage)?.toNumber()
  const purposes = find(asn.ExtendedKeyUsage)
  const policies = find(asn.CertificatePolicies)
  return {
    commonNames: () => certificate.subjectName.getField('CN'),
    alternativeNames: [...(find(asn.SubjectAlternativeName) ?? [])].flatMap(
      ({ dNSName, iPAddress }) => dNSName ?? iPAddress ?? [],
    ),
    serial: certificate.serialNumber,
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
    tbs,
    signature: signatureValue,
  }
}

const hexOf = (octets: { readonly buffer: ArrayBuffer } | undefined) =>
  octets && Buffer.from(octets.buffer).toString('hex')
