/** Uploading certificates, listing and deleting them, and switching their reminders off. Pure. */
import { secret } from '../secret.ts'
import { bindAwaiting, isFoundWith } from './account.ts'
import { ApiError } from './errors.ts'
import type { Parameters } from './parameters.ts'
import { RESOURCE_TYPES } from './resourceTypes.ts'
import type { CloudAccount, Deletion } from './state.ts'
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

const MAX_TASKS = 100

export function deleteCertificate(account: CloudAccount, sent: Parameters<'DeleteCertificate'>): object {
  const { store, traps, now, seconds, newNumber, deletions } = account
  const { CertificateId: certId, IsCheckResource = false } = sent
  const stored = store.get(certId)
  if (stored === undefined) throw new ApiError('notFound')
  if (!IsCheckResource) {
    if (traps.uncheckedDeletion === 'refused' && usersOf(account, certId, now()).length > 0)
      throw new ApiError('bound')
    store.remove(certId)
    return { DeleteResult: true, TaskId: null }
  }
  const task: Deletion = {
    taskId: String(newNumber()),
    certId,
    domains: stored.names,
    doneAt: now() + seconds(traps.deletionSeconds),
    status: STATUS.running,
    message: '',
  }
  deletions.push(task)
  // false, although the deletion is under way
  return { DeleteResult: false, TaskId: task.taskId }
}

const STATUS = { running: 0, deleted: 1, failed: 2, roleMissing: 3, bound: 4, timedOut: 5 } as const

/** The types whose resources use it, as far as the service's search sees. */
const usersOf = (account: CloudAccount, certId: string, at: number): readonly string[] => [
  ...new Set(
    account.resources
      .filter(({ resource }) => RESOURCE_TYPES[resource.type].survey !== 'nowhere')
      .filter(each => isFoundWith(each, certId, at, account.traps))
      .map(({ resource }) => resource.type),
  ),
]

/** Performs the deletions that are due. Every request and every reading of the account begins with it. */
export function settleDeletions(account: CloudAccount): void {
  for (const task of account.deletions.filter(({ status }) => status === STATUS.running)) {
    if (account.now() < task.doneAt) continue
    const [status, message] = endOf(account, task)
    task.status = status
    task.message = message
    if (status === STATUS.deleted) account.store.remove(task.certId)
  }
}

function endOf(account: CloudAccount, { certId, doneAt }: Deletion): readonly [status: number, text: string] {
  const { role, deletion } = account.traps
  if (!role) return [STATUS.roleMissing, 'the service role is missing']
  const users = usersOf(account, certId, doneAt)
  if (users.length > 0) return [STATUS.bound, `unbound cloud resources: ${users.join(',')}`]
  if (deletion === 'failed') return [STATUS.failed, 'the status of the certificate does not allow it']
  if (deletion === 'timed-out') return [STATUS.timedOut, 'the search for resources timed out']
  return [STATUS.deleted, '']
}

export function deletionResults(
  account: CloudAccount,
  { TaskIds: ids }: Parameters<'DescribeDeleteCertificatesTaskResult'>,
): object {
  if (ids.length > MAX_TASKS) throw new ApiError('range', { name: 'TaskIds' })
  const found = account.deletions.filter(({ taskId }) => ids.includes(taskId))
  return {
    DeleteTaskResult: found.map(({ taskId, certId, status, message, domains, doneAt }) => ({
      TaskId: taskId,
      CertId: certId,
      Status: status,
      Error: message,
      CacheTime: beijingTime(doneAt),
      Domains: domains,
    })),
  }
}
