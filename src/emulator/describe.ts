/** A stored certificate in the service's own words, for the list and for the detail. Pure. */
import type { X509Certificate } from 'node:crypto'
import { readCertificates, type StoredCertificate } from './store.ts'

const HOUR = 3_600_000

const DAY = 24 * HOUR

/** The service writes Beijing time and no zone. */
const beijingTime = (date: Date) =>
  new Date(date.getTime() + 8 * HOUR).toISOString().slice(0, 19).replace('T', ' ')

export const isExpired = ({ notAfter }: StoredCertificate, now: number) => notAfter.getTime() < now

export const isExpiring = ({ notAfter }: StoredCertificate, now: number) =>
  !(notAfter.getTime() - now > 30 * DAY)

function algorithmOf({ publicKey }: X509Certificate): string {
  const { modulusLength, namedCurve } = publicKey.asymmetricKeyDetails ?? {}
  const size = modulusLength ?? namedCurve ?? ''
  return `${publicKey.asymmetricKeyType?.toUpperCase()} ${size}`.trim()
}

const commonName = (subject: string) => /^CN=(.+)$/m.exec(subject)?.[1] ?? ''

/** What list and detail have in common. Numbers that are strings on the wire are strings here. */
function summary(certificate: StoredCertificate, now: number) {
  const { notBefore, notAfter, names, tags } = certificate
  const expired = isExpired(certificate, now)
  const project = String(certificate.projectId)
  return {
    OwnerUin: '100000000001',
    ProjectId: project,
    From: 'upload',
    PackageType: null,
    CertificateType: certificate.type,
    ProductZhName: '',
    Domain: names[0] ?? '',
    Alias: certificate.alias,
    Status: expired ? 3 : 1,
    StatusName: expired ? '已过期' : '已通过',
    StatusMsg: '',
    VerifyType: null,
    VulnerabilityStatus: 'INACTIVE',
    CertBeginTime: beijingTime(notBefore),
    CertEndTime: beijingTime(notAfter),
    ValidityPeriod: String(Math.round((notAfter.getTime() - notBefore.getTime()) / (DAY * 30.44))),
    InsertTime: beijingTime(certificate.insertedAt),
    CertificateId: certificate.id,
    PackageTypeName: null,
    IsVip: false,
    IsDv: false,
    IsWildcard: names.some(name => name.startsWith('*.')),
    IsVulnerability: false,
    RenewAble: false,
    Deployable: certificate.type === 'SVR',
    Tags: tags,
    ProjectInfo: {
      ProjectId: project,
      ProjectName: project === '0' ? '默认项目' : '',
      OwnerUin: '100000000001',
    },
    CertificateExtra: { DomainNumber: String(names.length), OriginCertificateId: null, ReplacedBy: null },
  }
}

/** One element of DescribeCertificates. Its SubjectAltName includes the main domain. */
export function listed(certificate: StoredCertificate, now: number) {
  const [leaf, ...authorities] = readCertificates(certificate.chainPem)
  return {
    ...summary(certificate, now),
    SubjectAltName: certificate.names,
    BoundResource: [],
    IsIgnore: false,
    IsSM: false,
    IsExpiring: isExpiring(certificate, now),
    EncryptAlgorithm: algorithmOf(leaf),
    CAEncryptAlgorithms: authorities.map(algorithmOf),
    CACommonNames: authorities.map(authority => commonName(authority.subject)),
    CAEndTimes: authorities.map(authority => beijingTime(new Date(authority.validTo))),
    CertSANs: certificate.names,
    HostingStatus: null,
    AllowDownload: true,
  }
}

const sha1Of = (certificate: X509Certificate) => certificate.fingerprint.replaceAll(':', '').toLowerCase()

const link = (certificate: X509Certificate) => ({
  Issuer: commonName(certificate.issuer),
  Subject: commonName(certificate.subject),
  Fingerprint: sha1Of(certificate),
  ValidFrom: beijingTime(new Date(certificate.validFrom)),
  ValidTo: beijingTime(new Date(certificate.validTo)),
})

/** DescribeCertificateDetail. Unlike the list's, its SubjectAltName leaves the main domain out. */
export function detailed(certificate: StoredCertificate, now: number) {
  const chain = readCertificates(certificate.chainPem)
  return {
    ...summary(certificate, now),
    SubjectAltName: certificate.names.slice(1),
    OrderId: null,
    CertificatePublicKey: certificate.chainPem,
    CertificatePrivateKey: certificate.keyPem?.reveal() ?? '',
    CertFingerprint: sha1Of(chain[0]),
    EncryptAlgorithm: algorithmOf(chain[0]),
    EncryptCert: '',
    EncryptPrivateKey: '',
    CertChainInfo: chain.map(link),
    DvAuthDetail: null,
    SubmittedData: null,
    TypeName: null,
    HostingStatus: null,
  }
}
