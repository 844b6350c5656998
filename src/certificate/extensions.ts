/** Reads the names, the serial number and the extensions of a certificate with `@peculiar/x509`. Pure. */
import 'reflect-metadata' // needed by @peculiar/x509, and before it
import { AsnConvert } from '@peculiar/asn1-schema'
import { type Extension as RawExtension, SubjectAlternativeName } from '@peculiar/asn1-x509'
import * as x509 from '@peculiar/x509'

export interface Extensions {
  readonly commonNames: readonly string[]
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
}

/** @throws an error of the library where the structure itself cannot be read; one extension that cannot be is only named. */
export function readExtensions(der: Buffer): Extensions {
  const certificate = new Certificate(der)
  const { readable, unreadable } = certificate.readEach()
  const find = <T>(type: abstract new (...args: never[]) => T) =>
    readable.find((one): one is typeof one & T => one instanceof type)
  const constraints = find(x509.BasicConstraintsExtension)
  const usages = find(x509.KeyUsagesExtension)?.usages
  return {
    commonNames: certificate.subjectName.getField('CN'),
    alternativeNames: find(AlternativeNames)?.names ?? [],
    serial: certificate.serialNumber,
    keyId: find(x509.SubjectKeyIdentifierExtension)?.keyId,
    authorityKeyId: find(x509.AuthorityKeyIdentifierExtension)?.keyId,
    keyUsage: usages === undefined ? undefined : USAGES.filter(usage => usages & x509.KeyUsageFlags[usage]),
    policies: find(x509.CertificatePolicyExtension)?.policies,
    authority: {
      extended: readable.length + unreadable.length > 0,
      constrained: constraints !== undefined,
      isCa: constraints?.ca ?? false,
      pathLength: constraints?.ca ? constraints.pathLength : undefined,
      maySign: usages === undefined || (usages & x509.KeyUsageFlags.keyCertSign) !== 0,
    },
    unreadable,
    ...certificate.signed(),
  }
}

type Usage = keyof typeof x509.KeyUsageFlags

const USAGES = Object.keys(x509.KeyUsageFlags).filter((name): name is Usage => Number.isNaN(Number(name)))

/** Reads each extension by itself: the library's own list fails as a whole, and does not say at which. */
class Certificate extends x509.X509Certificate {
  readEach(): { readonly readable: readonly x509.Extension[]; readonly unreadable: readonly string[] } {
    const readable: x509.Extension[] = []
    const unreadable: string[] = []
    for (const one of this.asn.tbsCertificate.extensions ?? [])
      try {
        readable.push(readOne(one))
      } catch {
        unreadable.push(one.extnID in NAMES ? `${NAMES[one.extnID]} (${one.extnID})` : one.extnID)
      }
    return { readable, unreadable }
  }
  signed(): Pick<Extensions, 'tbs' | 'signature'> {
    const { tbsCertificateRaw: tbs = new ArrayBuffer(), signatureValue: signature } = this.asn
    return { tbs, signature }
  }
}

function readOne(extension: RawExtension): x509.Extension {
  const der = AsnConvert.serialize(extension)
  return extension.extnID === ALTERNATIVE_NAMES
    ? new AlternativeNames(der)
    : x509.ExtensionFactory.create(der)
}

const ALTERNATIVE_NAMES = '2.5.29.17'

/** The library's own class refuses names of kinds that it does not know, which no TLS client compares. */
class AlternativeNames extends x509.Extension {
  readonly names: readonly string[]
  constructor(der: ArrayBuffer) {
    super(der)
    const names = AsnConvert.parse(this.value, SubjectAlternativeName)
    this.names = names.flatMap(({ dNSName, iPAddress }) => dNSName ?? iPAddress ?? [])
  }
}

/** What the library reads, by identifier: of others it reads nothing, and so nothing wrong. */
const NAMES: Readonly<Record<string, string>> = {
  '2.5.29.14': 'subjectKeyIdentifier',
  '2.5.29.15': 'keyUsage',
  [ALTERNATIVE_NAMES]: 'subjectAltName',
  '2.5.29.18': 'issuerAltName',
  '2.5.29.19': 'basicConstraints',
  '2.5.29.31': 'cRLDistributionPoints',
  '2.5.29.32': 'certificatePolicies',
  '2.5.29.35': 'authorityKeyIdentifier',
  '2.5.29.37': 'extKeyUsage',
  '1.3.6.1.5.5.7.1.1': 'authorityInfoAccess',
}
