/** Uploading certificates, listing them, and switching their reminders off. Pure. */
import { secret } from '../secret.ts'
import { bindAwaiting } from './account.ts'
import { ApiError } from './errors.ts'
import type { Parameters } from './parameters.ts'
import type { CloudAccount } from './state.ts'
import {
  type CertificateType,
  fingerprintOf,
  readAuthorities,
  readCertificates,
  readServerPair,
  type StoredCertificate,
} from './store.ts'
import { beijingTime } from './times.ts'

/** Which of its two IDs the service fills in for a duplicate is not known, so a client must take either. */
export type Duplicates = 'both' | 'certificate-id-only' | 'repeat-cert-id-only' | 'error'

type Upload = Parameters<'UploadCertificate'>

function typeOf({ CertificateType: type = 'SVR' }: Upload): CertificateType {
  if (type === 'SVR' || type === 'CA') return type
  throw new ApiError('certificateType', { name: type })
}

function duplicateReply({ id }: StoredCertificate, duplicates: Duplicates) {
  if (duplicates === 'error') throw new ApiError('exists')
  return {
    CertificateId: duplicates === 'repeat-cert-id-only' ? '' : id,
    RepeatCertId: duplicates === 'certificate-id-only' ? '' : id,
  }
}

export function upload(account: CloudAccount, sent: Upload, duplicates: Duplicates): object {
  const { store, now } = account
  const type = typeOf(sent)
  const pem = sent.CertificatePublicKey
  const key = sent.CertificatePrivateKey
  const chain =
    type === 'CA'
      ? readAuthorities(pem)
      : readServerPair({ certificate: pem, key, password: sent.KeyPassword })
  const existing = store.find(fingerprintOf(chain[0]), type)
  // as observed, the existing certificate keeps its alias and tags
  if (existing && sent.Repeatable === false) return duplicateReply(existing, duplicates)
  const stored = store.add(
    {
      type,
      alias: sent.Alias ?? '',
      projectId: sent.ProjectId ?? 0,
      use: sent.CertificateUse ?? '',
      tags: sent.Tags ?? [],
      insertedAt: new Date(now()),
      chainPem: pem,
      keyPem: key && type === 'SVR' ? secret(key) : undefined,
    },
    chain,
  )
  bindAwaiting(account, stored, now())
  return { CertificateId: stored.id, RepeatCertId: '' }
}

const DAY_MS = 86_400_000

const isExpired = (certificate: StoredCertificate, now: number) => certificate.notAfter.getTime() < now

const isExpiring = (certificate: StoredCertificate, now: number) =>
  !isExpired(certificate, now) && certificate.notAfter.getTime() - now <= 30 * DAY_MS

const statusOf = (certificate: StoredCertificate, now: number) => (isExpired(certificate, now) ? 3 : 1)

/** Some numbers are strings on the wire. */
function listed(certificate: StoredCertificate, { now, silenced }: CloudAccount) {
  const status = statusOf(certificate, now())
  return {
    CertificateId: certificate.id,
    CertificateType: certificate.type,
    ProjectId: String(certificate.projectId),
    Alias: certificate.alias,
    Domain: certificate.names[0] ?? '',
    SubjectAltName: certificate.names,
    CertSANs: certificate.names,
    Status: status,
    StatusName: status === 3 ? '已过期' : '已通过',
    StatusMsg: null,
    From: 'upload',
    CertBeginTime: beijingTime(certificate.notBefore.getTime()),
    CertEndTime: beijingTime(certificate.notAfter.getTime()),
    InsertTime: beijingTime(certificate.insertedAt.getTime()),
    Deployable: certificate.type === 'SVR',
    IsIgnore: silenced.has(certificate.id),
    IsExpiring: isExpiring(certificate, now()),
    HostingStatus: -1,
    EncryptAlgorithm: certificate.algorithm,
    BoundResource: [],
    Tags: certificate.tags,
  }
}

type Query = Parameters<'DescribeCertificates'>

function isAskedFor(certificate: StoredCertificate, query: Query, now: number): boolean {
  const { SearchKey = '', CertIds, CertificateType, CertificateStatus, FilterSource, FilterExpiring } = query
  const { id, alias, names, type, projectId } = certificate
  return (
    [id, alias, ...names].some(text => text.includes(SearchKey)) &&
    (CertIds === undefined || CertIds.includes(id)) &&
    (!CertificateType || type === CertificateType) &&
    (!CertificateStatus?.length || CertificateStatus.includes(statusOf(certificate, now))) &&
    FilterSource !== 'buy' &&
    (FilterExpiring !== 1 || isExpiring(certificate, now)) &&
    (query.ProjectId === undefined || projectId === query.ProjectId)
  )
}

/** Newest first, unless asked for the order in which they expire. */
export function list(account: CloudAccount, query: Query): object {
  const { Offset = 0, Limit = 10, ExpirationSort: sort } = query
  const found = account.store
    .all()
    .toReversed()
    .filter(each => isAskedFor(each, query, account.now()))
  const byExpiry = (a: StoredCertificate, b: StoredCertificate) => a.notAfter.getTime() - b.notAfter.getTime()
  if (sort === 'ASC') found.sort(byExpiry)
  if (sort === 'DESC') found.sort((a, b) => byExpiry(b, a))
  const page = found.slice(Offset, Offset + Math.min(Limit, 1000))
  return { TotalCount: found.length, Certificates: page.map(each => listed(each, account)) }
}

const MAX_SILENCED = 50

/** Answers with the IDs that it changed. */
export function silence(
  { store, silenced }: CloudAccount,
  { CertificateIds: ids, SwitchStatus }: Parameters<'ModifyCertificatesExpiringNotificationSwitch'>,
): object {
  if (SwitchStatus > 1) throw new ApiError('range', { name: 'SwitchStatus' })
  if (ids.length > MAX_SILENCED) throw new ApiError('tooManyToSilence')
  if (ids.some(id => store.get(id) === undefined)) throw new ApiError('notFound')
  for (const id of ids) {
    if (SwitchStatus === 1) silenced.add(id)
    else silenced.delete(id)
  }
  return { CertificateIds: ids }
}

export function checkExists(
  { store }: CloudAccount,
  { CertificatePublicKey: pem }: Parameters<'CheckCertificateExist'>,
): object {
  try {
    return { RepeatCertId: store.find(fingerprintOf(readCertificates(pem)[0]))?.id ?? '' }
  } catch (error) {
    // CertificateParseError is not among the codes that this action documents
    throw error instanceof ApiError ? new ApiError('parameter') : error
  }
}
