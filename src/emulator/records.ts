/** What the service says of replacement jobs: the list of records and a record's details. Pure. */
import { ApiError } from './errors.ts'
import { changedAt, isFinished, messageOf, statusOf } from './jobs.ts'
import type { Parameters } from './parameters.ts'
import { type CloudAccount, type Detail, type Job, STATUS, type Status } from './state.ts'
import { beijingTime, microTime } from './times.ts'

/** Newest first. */
export function listRecords(account: CloudAccount, sent: Parameters<'DescribeHostUpdateRecord'>): object {
  const { Offset = 0, Limit = 10, CertificateId, OldCertificateId } = sent
  const found = account.jobs
    .toReversed()
    .filter(({ certId }) => CertificateId === undefined || certId === CertificateId)
    .filter(({ oldCertId }) => OldCertificateId === undefined || oldCertId === OldCertificateId)
  const page = found.slice(Offset, Offset + Limit)
  return { TotalCount: found.length, DeployRecordList: page.map(job => listed(job, account.now())) }
}

/** What the numbers of a record's Status mean is documented nowhere; 1 was seen for one that had finished. */
const listed = (job: Job, now: number) => ({
  Id: job.id,
  CertId: job.certId,
  OldCertId: job.oldCertId,
  ResourceTypes: job.types,
  Regions: job.regions,
  Status: isFinished(job, now) ? 1 : 0,
  CreateTime: beijingTime(job.createdAt),
  UpdateTime: beijingTime(Math.max(...job.details.map(detail => changedAt(detail, now)))),
})

const DIGITS = /^\d{1,15}$/

/** @throws ApiError unless the text is a number up to `max`. */
export function numberIn(text: string, name: string, max = Number.MAX_SAFE_INTEGER): number {
  if (!DIGITS.test(text) || Number(text) > max) throw new ApiError('range', { name })
  return Number(text)
}

export function describeRecord(
  account: CloudAccount,
  sent: Parameters<'DescribeHostUpdateRecordDetail'>,
): object {
  const limit = numberIn(sent.Limit ?? '10', 'Limit', 200)
  const offset = numberIn(sent.Offset ?? '0', 'Offset')
  const job = account.jobs.find(({ id }) => String(id) === sent.DeployRecordId)
  if (job === undefined) throw new ApiError('recordUnknown')
  const now = account.now()
  if (now < job.visibleFrom) return hidden(job, now)
  const { pendingCount, limitCounts } = account.traps
  const page = limitCounts === 'all' ? job.details.slice(offset, offset + limit) : job.details
  const types = [...new Set(page.map(({ on }) => on.resource.type))]
  const ofType = (details: readonly Detail[], type: string) =>
    details.filter(({ on }) => on.resource.type === type)
  const count = (status: Status) => job.details.filter(detail => statusOf(detail, now) === status).length
  return {
    TotalCount: job.details.length,
    RecordDetailList: types.map(type => {
      const list = ofType(page, type)
      return {
        ResourceType: type,
        List: (limitCounts === 'all' ? list : list.slice(offset, offset + limit)).map(detail =>
          described(detail, job, now),
        ),
        TotalCount: ofType(job.details, type).length,
      }
    }),
    SuccessTotalCount: count(STATUS.done),
    FailedTotalCount: count(STATUS.failed),
    RunningTotalCount: count(STATUS.working),
    ...(pendingCount && { PendingTotalCount: count(STATUS.pending) }),
  }
}

/** A record that was created just now: no counts at first, then zeros. */
function hidden(job: Job, now: number) {
  const none = now - job.createdAt < (job.visibleFrom - job.createdAt) / 2 ? null : 0
  return {
    TotalCount: none,
    RecordDetailList: [],
    SuccessTotalCount: none,
    FailedTotalCount: none,
    RunningTotalCount: none,
  }
}

/** What a type of resource does not have is null or empty. */
function described(detail: Detail, job: Job, now: number) {
  const { type, region, instance, listener, domains, sni } = detail.on.resource
  const isListener = type === 'clb'
  return {
    Id: detail.id,
    CertId: job.certId,
    OldCertId: job.oldCertId,
    // a listener without SNI has all its domains in one text
    Domains: isListener && !sni ? [domains.join(',')] : domains,
    ResourceType: type,
    Region: region ?? null,
    Status: statusOf(detail, now),
    ErrorMsg: messageOf(detail, now) || null,
    CreateTime: microTime(job.createdAt),
    UpdateTime: microTime(changedAt(detail, now)),
    InstanceId: instance ?? null,
    InstanceName: instance ?? null,
    ListenerId: listener ?? null,
    ListenerName: listener ?? null,
    Protocol: isListener ? 'HTTPS' : null,
    SniSwitch: isListener && sni ? 1 : 0,
    Bucket: type === 'cos' ? (instance ?? '') : null,
    Port: type === 'ddos' ? '443' : 0,
    Namespace: type === 'tke' ? 'default' : null,
    SecretName: type === 'tke' ? (listener ?? '') : null,
    EnvId: type === 'tcb' ? (instance ?? '') : null,
    TCBType: type === 'tcb' ? 'ACCESS' : null,
    Url: isListener && sni ? '/' : null,
    Algorithm: null,
    OldAlgorithm: null,
    InstanceStatus: null,
    ListenerStatus: null,
  }
}
