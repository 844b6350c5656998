/** Where is a certificate bound: the tasks that search for it, and their counts. Pure. */
import { isFoundWith } from './account.ts'
import { ApiError } from './errors.ts'
import type { Parameters } from './parameters.ts'
import { countedTypes, RESOURCE_TYPES, type ResourceTypeName } from './resourceTypes.ts'
import type { AccountResource, CloudAccount, Survey } from './state.ts'
import { beijingTime } from './times.ts'

const MAX_IDS = 100

export function createSurveys(
  account: CloudAccount,
  { CertificateIds: ids, IsCache }: Parameters<'CreateCertificateBindResourceSyncTask'>,
): object {
  if (IsCache > 1) throw new ApiError('range', { name: 'IsCache' })
  if (ids.length > MAX_IDS) throw new ApiError('tooManyToSurvey')
  if (ids.some(id => account.store.get(id) === undefined)) throw new ApiError('notFound')
  const tasks = ids.map(id => runningFor(account, id) ?? createSurvey(account, id, IsCache === 1))
  return { CertTaskIds: tasks.map(({ certId, taskId }) => ({ CertId: certId, TaskId: taskId })) }
}

const runningFor = ({ surveys, now }: CloudAccount, certId: string): Survey | undefined =>
  surveys.findLast(each => each.certId === certId && now() < each.doneAt)

function createSurvey(account: CloudAccount, certId: string, mayRepeat: boolean): Survey {
  const { surveys, now, seconds, traps, resources, newNumber } = account
  const earlier = mayRepeat ? repeatable(account, certId) : undefined
  const duration = earlier === undefined ? traps.surveyColdSeconds : traps.surveyCachedSeconds
  const doneAt = now() + seconds(duration)
  const survey: Survey = {
    taskId: String(newNumber()),
    certId,
    doneAt,
    fails: surveys.length < traps.surveyFailures,
    foundAt: earlier?.foundAt ?? doneAt,
    // what it says at its end was true at its start
    found: earlier?.found ?? resources.filter(each => isFoundWith(each, certId, now(), traps)),
    queries: 0,
    saidEmpty: false,
  }
  surveys.push(survey)
  return survey
}

const repeatable = ({ surveys, now, seconds, traps }: CloudAccount, certId: string): Survey | undefined =>
  surveys.findLast(
    each =>
      each.certId === certId &&
      !each.fails &&
      each.doneAt <= now() &&
      now() - each.foundAt <= seconds(traps.surveyCacheSeconds),
  )

/** @throws ApiError for a task that never was, or was too long ago. */
export function surveyOf({ surveys, now, seconds, traps }: CloudAccount, id: string): Survey {
  const found = surveys.find(({ taskId }) => taskId === id)
  if (found === undefined || now() - found.doneAt > seconds(traps.surveyKeptSeconds))
    throw new ApiError('taskUnknown')
  return found
}

const TASK = { searching: 0, done: 1, failed: 2 } as const

export function taskStatus({ now }: CloudAccount, { doneAt, fails }: Survey): number {
  if (now() < doneAt) return TASK.searching
  return fails ? TASK.failed : TASK.done
}

export function surveyResults(
  account: CloudAccount,
  { TaskIds: ids }: Parameters<'DescribeCertificateBindResourceTaskResult'>,
): object {
  if (ids.length > MAX_IDS) throw new ApiError('range', { name: 'TaskIds' })
  const surveys = ids.map(id => surveyOf(account, id))
  return { SyncTaskBindResourceResult: surveys.map(survey => resultOf(account, survey)) }
}

function resultOf(account: CloudAccount, survey: Survey) {
  survey.queries += 1
  const isEmpty = saysDoneTooEarly(account, survey)
  const status = isEmpty ? TASK.done : taskStatus(account, survey)
  const hasCounts = status === TASK.done && !isEmpty
  return {
    TaskId: survey.taskId,
    BindResourceResult: hasCounts ? countsOf(account, survey) : [],
    Status: status,
    Error: status === TASK.failed ? { Code: 'InternalError', Message: 'The search failed.' } : null,
    CacheTime: beijingTime(survey.foundAt),
  }
}

/** Status 1 with an empty list, which is no answer. */
function saysDoneTooEarly(account: CloudAccount, survey: Survey): boolean {
  const { surveyEmpty } = account.traps
  if (surveyEmpty === 'first') return survey.queries === 1
  if (surveyEmpty === 'never' || survey.saidEmpty || taskStatus(account, survey) !== TASK.done) return false
  survey.saidEmpty = true
  return true
}

/** A region with an error counts nothing. The international site does not report it. */
function countsOf(account: CloudAccount, { found }: Survey) {
  const { site } = account.traps
  return countedTypes(site).map(type => ({
    ResourceType: type,
    BindResourceRegionResult: regionsOf(account, type).map(region => {
      const error = errorIn(account, type, region)
      return {
        Region: region,
        TotalCount: error ? 0 : found.filter(each => isIn(each, type, region)).length,
        ...(site === 'mainland' && { Error: error }),
      }
    }),
  }))
}

export const isIn = ({ resource }: AccountResource, type: string, region: string): boolean =>
  resource.type === type && (resource.region ?? '') === region

/** A type without regions has one without a name. */
export function regionsOf({ resources, traps }: CloudAccount, type: ResourceTypeName): readonly string[] {
  if (!RESOURCE_TYPES[type].regional) return ['']
  const used = resources
    .filter(({ resource }) => resource.type === type)
    .map(({ resource }) => resource.region)
  const failing = traps.surveyErrors.filter(each => each.type === type).map(({ region }) => region)
  const regions = [...used, ...failing].filter(region => region !== undefined && region !== '')
  return [...new Set(regions.length > 0 ? regions : ['ap-guangzhou'])].map(String).sort()
}

/** Empty if the search succeeded there. */
export const errorIn = ({ traps }: CloudAccount, type: string, region: string): string =>
  traps.surveyErrors.find(each => each.type === type && each.region === region)?.message ?? ''
