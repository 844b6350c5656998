/** Replacing one certificate by another wherever it is bound: scan, job, retry, rollback. Pure. */
import { certificateAt, coversAll } from './account.ts'
import { ApiError } from './errors.ts'
import { attempt, createJob, isFinished, runningJobOf, statusOf } from './jobs.ts'
import type { Parameters } from './parameters.ts'
import { isReplaceable, RESOURCE_TYPES } from './resourceTypes.ts'
import { type AccountResource, type CloudAccount, type Job, type Scan, STATUS } from './state.ts'
import type { StoredCertificate } from './store.ts'

type Request = Parameters<'UpdateCertificateInstance'>

export function replace(account: CloudAccount, sent: Request): object {
  const { traps, now } = account
  const pair = checkPair(account, sent)
  const running = runningJobOf(account, pair.old.id)
  if (running !== undefined) return adopt(account, running, pair)
  const scan = continueScan(account, sent)
  if (scan.calls <= traps.scanCalls || now() - scan.startedAt < account.seconds(traps.scanSeconds))
    return reply(account, SCANNING, progress(sent, scan))
  account.scans.delete(scanKey(sent))
  const job = createJob(account, {
    certId: pair.next.id,
    oldCertId: pair.old.id,
    types: sent.ResourceTypes,
    regions: [...new Set(sent.ResourceTypesRegions?.flatMap(({ Regions }) => Regions))],
    on: targetsOf(account, sent, pair),
  })
  if (sent.ExpiringNotificationSwitch === 1) account.silenced.add(pair.old.id)
  const isNew = traps.deployStatus === 'documented'
  return { ...reply(account, job.id, progress(sent, scan, job)), DeployStatus: isNew ? 1 : 0 }
}

/** Instead of a record. */
const SCANNING = 0

interface CertificatePair {
  readonly old: StoredCertificate
  readonly next: StoredCertificate
}

function checkPair({ store, traps }: CloudAccount, sent: Request): CertificatePair {
  const { ResourceTypes: types, ResourceTypesRegions: places = [], ExpiringNotificationSwitch = 0 } = sent
  if (types.length === 0 || ExpiringNotificationSwitch > 1) throw new ApiError('parameter')
  const foreign = [...types, ...places.map(({ ResourceType }) => ResourceType)].find(
    name => !isReplaceable(name, traps.site),
  )
  if (foreign !== undefined) throw new ApiError('resourceType', { name: foreign })
  if (!traps.role) throw new ApiError('role')
  if (sent.CertificateId === undefined)
    throw new ApiError('detail', { name: 'this emulator replaces by CertificateId, not by an inline pair.' })
  const old = store.get(sent.OldCertificateId)
  const next = store.get(sent.CertificateId)
  if (old === undefined || next === undefined) throw new ApiError('notFound')
  if (next.type !== 'SVR') throw new ApiError('notAllowed')
  if (old.id === next.id) throw new ApiError('parameter')
  checkRegions(sent, traps)
  return { old, next }
}

function checkRegions(sent: Request, { hugeLimit, missingRegions }: CloudAccount['traps']): void {
  const huge = sent.ResourceTypes.find(name => hugeLimit.includes(name))
  if (huge !== undefined && (sent.ResourceTypes.length > 1 || regionsOf(sent, huge).length > 1))
    throw new ApiError('hugeLimit', { name: huge })
  if (missingRegions === 'nothing') return
  const nowhere = sent.ResourceTypes.find(name => isRegional(name) && regionsOf(sent, name).length === 0)
  if (nowhere !== undefined) throw new ApiError('missing', { name: 'ResourceTypesRegions' })
}

const isRegional = (name: string): boolean => RESOURCE_TYPES[name as keyof typeof RESOURCE_TYPES].regional

const regionsOf = ({ ResourceTypesRegions: places = [] }: Request, type: string): readonly string[] =>
  places.filter(({ ResourceType }) => ResourceType === type).flatMap(({ Regions }) => Regions)

/** While a job runs for the old certificate. */
function adopt(account: CloudAccount, running: Job, { next }: CertificatePair): object {
  if (running.certId !== next.id || account.traps.duringJob === 'pending') throw new ApiError('pendingRecord')
  return reply(account, running.id, null)
}

const scanKey = (sent: Request): string =>
  JSON.stringify(Object.entries(sent).toSorted(([a], [b]) => (a < b ? -1 : 1)))

/** The identical request goes on with its scan; any other begins one of its own. */
function continueScan({ scans, now, seconds, traps }: CloudAccount, sent: Request): Scan {
  const key = scanKey(sent)
  const known = scans.get(key)
  const isForgotten = known === undefined || now() - known.calledAt > seconds(traps.scanForgottenSeconds)
  const scan = isForgotten
    ? { startedAt: now(), calls: 1, calledAt: now() }
    : { ...known, calls: known.calls + 1, calledAt: now() }
  scans.set(key, scan)
  return scan
}

function targetsOf(account: CloudAccount, sent: Request, { old, next }: CertificatePair) {
  const { resources, traps, now } = account
  const found = resources.filter(each => isAskedFor(each, sent) && certificateAt(each, now()) === old.id)
  const fitting = found.filter(each => coversAll(next.names, each))
  if (traps.uncovered === 'refuse' && fitting.length < found.length)
    throw new ApiError('notDeployable', { name: hostsOf(found.filter(each => !fitting.includes(each))) })
  // what is a regular expression is never tried
  const targets = traps.uncovered === 'fail' ? found.filter(({ resource }) => !resource.regex) : fitting
  if (targets.length === 0) throw new ApiError('instanceEmpty')
  return targets
}

const isAskedFor = ({ resource: { type, region } }: AccountResource, sent: Request): boolean =>
  sent.ResourceTypes.includes(type) && (region === undefined || regionsOf(sent, type).includes(region))

const hostsOf = (on: readonly AccountResource[]) => on.flatMap(({ resource }) => resource.domains).join(',')

/** Only the record shows that the scan goes on. */
const reply = ({ traps }: CloudAccount, recordId: number, progress: object | null) => ({
  DeployRecordId: recordId === SCANNING && traps.site === 'international' ? null : recordId,
  DeployStatus: 0,
  UpdateSyncProgress: progress,
})

const PROGRESS = { pending: 0, done: 1, working: 3 } as const

/** Nothing at first, then a list of nulls, then numbers. */
function progress(sent: Request, { calls }: Scan, job?: Job): object | null {
  if (calls === 1) return null
  const status = job === undefined ? PROGRESS.working : PROGRESS.done
  return sent.ResourceTypes.map(type => {
    if (job === undefined && calls === 2)
      return { ResourceType: type, UpdateSyncProgressRegions: null, Status: null }
    const regions = isRegional(type) ? regionsOf(sent, type) : ['']
    const count = (region: string) =>
      job?.details.filter(
        ({ on: { resource } }) => resource.type === type && (resource.region ?? '') === region,
      ).length ?? 0
    return {
      ResourceType: type,
      UpdateSyncProgressRegions: regions.map(region => ({
        Region: region,
        TotalCount: count(region),
        OffsetCount: count(region),
        Status: status,
      })),
      Status: status,
    }
  })
}

export function retry(account: CloudAccount, sent: Parameters<'UpdateCertificateRecordRetry'>): object {
  const { jobs, now } = account
  const { DeployRecordId, DeployRecordDetailId } = sent
  const job = jobs.find(
    ({ id, details }) => id === DeployRecordId || details.some(detail => detail.id === DeployRecordDetailId),
  )
  if (job === undefined) throw new ApiError('recordUnknown')
  if (runningJobOf(account, job.oldCertId) !== undefined) throw new ApiError('pendingRecord')
  const failed = job.details
    .filter(({ id }) => DeployRecordDetailId === undefined || id === DeployRecordDetailId)
    .filter(detail => FAILED.has(statusOf(detail, now())))
  if (failed.length === 0) throw new ApiError('retryStatus')
  attempt(account, job, failed)
  return {}
}

const FAILED: ReadonlySet<number> = new Set([STATUS.failed, STATUS.rollbackFailed])

export function rollBack(account: CloudAccount, sent: Parameters<'UpdateCertificateRecordRollback'>): object {
  const { jobs, now, store } = account
  const job = jobs.find(({ id }) => id === sent.DeployRecordId)
  if (job === undefined) throw new ApiError('recordUnknown')
  if (!isFinished(job, now())) throw new ApiError('rollbackUnfinished')
  if (runningJobOf(account, job.certId) !== undefined) throw new ApiError('pendingRecord')
  if (store.get(job.oldCertId) === undefined) throw new ApiError('notFound')
  const on = job.details
    .filter(detail => statusOf(detail, now()) === STATUS.done)
    .map(detail => detail.on)
    .filter(each => certificateAt(each, now()) === job.certId)
  if (on.length === 0) throw new ApiError('rollbackStatus')
  const { certId: oldCertId, oldCertId: certId, types, regions } = job
  return { DeployRecordId: createJob(account, { certId, oldCertId, types, regions, on, rollback: true }).id }
}
