/**
 * Finds out where certificate IDs are bound in the account. IDs that are asked for within a moment share one search and its
 * polls, so that a night with a thousand renewals costs a few requests each.
 */
import { Fault } from '../errors.ts'
import type { BoundResource } from '../receipts/replacement.ts'
import { createPolls, isApiCode, type PollDeps, type PollTask, type Search } from './polls.ts'
import { createSurvey, MAX_SURVEYED, readSurveyDetail, SURVEY_PAGE } from './requests.ts'
import { type FoundResource, type SurveyTask, surveyDetailOf, tasksIn } from './surveyReply.ts'

export interface Survey {
  /** Nothing was left out: only then does no resource mean that there is none. */
  readonly isComplete: boolean
  /** The account has no such certificate. */
  readonly isGone: boolean
  readonly resources: ReadonlyArray<BoundResource & Pick<FoundResource, 'unmatched'>>
  /** What was left out, or why the search failed. */
  readonly problems: readonly string[]
}

export interface SurveyOptions {
  /** A search of the last half hour is good enough: it may start a replacement, and never end one. */
  readonly isCached: boolean
  /**
   * Which resources are read: of every ID, for some products are in no count; of those with a count above 0; or none, and
   * only types and regions are known.
   */
  readonly detail: 'all' | 'bound' | 'none'
}

/** How long the service may take for one search, in milliseconds; after that the answer is incomplete. */
const SURVEY_LIMIT_MS = 5 * 60_000

export interface SurveyDeps extends PollDeps {
  /** IDs that are asked for within so many milliseconds share one search. */
  readonly batchMs: () => number
}

/** @throws Fault where the service refuses to search: a right or the service role is missing. */
export type SurveyIds = (
  ids: readonly string[],
  options: SurveyOptions,
) => Promise<ReadonlyMap<string, Survey>>

interface Waiting {
  readonly id: string
  readonly answer: PromiseWithResolvers<Found>
}

interface Found {
  readonly taskId: string | undefined
  readonly task: SurveyTask | undefined
}

export function createSurveyor(deps: SurveyDeps): SurveyIds {
  const batches = new Map<boolean, Waiting[]>()
  const poll = createPolls(deps)

  function search(id: string, isCached: boolean): Promise<Found> {
    const answer = Promise.withResolvers<Found>()
    const batch = batches.get(isCached)
    if (batch) batch.push({ id, answer })
    else {
      const begun: Waiting[] = [{ id, answer }]
      batches.set(isCached, begun)
      deps
        .sleep(deps.batchMs())
        .then(() => {
          batches.delete(isCached)
          return searchAll(begun, isCached, { ...deps, poll })
        })
        .catch(error => {
          batches.delete(isCached)
          for (const one of begun) one.answer.reject(error)
        })
    }
    return answer.promise
  }

  return async (ids, { isCached, detail }) => {
    const found = await Promise.all(ids.map(async id => [id, await search(id, isCached)] as const))
    const surveys = found.map(async ([id, one]) => [id, await surveyOf(id, one, detail, deps.send)] as const)
    return new Map(await Promise.all(surveys))
  }
}

interface SearchDeps extends SurveyDeps {
  readonly poll: PollTask
}

async function searchAll(batch: readonly Waiting[], isCached: boolean, deps: SearchDeps): Promise<void> {
  const byId = Map.groupBy(batch, ({ id }) => id)
  const ids = [...byId.keys()]
  const answer = (id: string, found: Found) => {
    for (const one of byId.get(id) ?? []) one.answer.resolve(found)
  }
  const parts = Array.from({ length: Math.ceil(ids.length / MAX_SURVEYED) }, (_, i) =>
    ids.slice(i * MAX_SURVEYED, (i + 1) * MAX_SURVEYED),
  )
  const search = { isCached, limit: deps.monotonicNow() + SURVEY_LIMIT_MS, dice: deps.random() }
  await Promise.all(parts.map(part => searchPart(part, search, answer, deps)))
}

/** One ID that the account does not have spoils the request for all: then each half is searched by itself. */
async function searchPart(
  ids: readonly string[],
  search: Search,
  answer: (id: string, found: Found) => void,
  deps: SearchDeps,
): Promise<void> {
  const tasks = await deps.send(createSurvey(ids, search.isCached)).then(tasksIn, error => {
    if (!isApiCode(error, 'FailedOperation.CertificateNotFound')) throw error
    return undefined
  })
  if (!tasks) {
    if (ids.length === 1) return answer(ids[0] as string, GONE)
    const middle = Math.ceil(ids.length / 2)
    const halves = [ids.slice(0, middle), ids.slice(middle)]
    await Promise.all(halves.map(half => searchPart(half, search, answer, deps)))
    return
  }
  const expired: string[] = []
  await Promise.all(
    ids.map(async id => {
      const taskId = tasks.get(id)
      const task = taskId === undefined ? 'late' : await deps.poll(taskId, search)
      if (task === 'expired') expired.push(id)
      else answer(id, { taskId, task: typeof task === 'string' ? undefined : task })
    }),
  )
  if (expired.length) await searchPart(expired, search, answer, deps)
}

const GONE: Found = {
  taskId: undefined,
  task: { status: 'failed', isComplete: true, found: [], problems: [] },
}

async function surveyOf(
  id: string,
  { taskId, task }: Found,
  wanted: SurveyOptions['detail'],
  send: SurveyDeps['send'],
): Promise<Survey> {
  if (task === GONE.task) return { isComplete: true, isGone: true, resources: [], problems: [] }
  if (!task || !taskId)
    return { isComplete: false, isGone: false, resources: [], problems: ['the search did not end in time'] }
  if (task.apiCode?.endsWith('RoleNotFoundAuthorization'))
    throw new Fault('API_ROLE_MISSING', `the service answered ${task.apiCode}`, { apiCode: task.apiCode })
  const counted = task.found.reduce((sum, { count }) => sum + count, 0)
  if (task.status === 'failed' || (!counted && wanted !== 'all'))
    return { isComplete: task.isComplete, isGone: false, resources: [], problems: task.problems }
  const detail = wanted === 'none' ? { resources: [], problems: [] } : await readDetail(taskId, id, send)
  const resources = detail.resources.map(one => ({ ...one, certificateId: id }))
  // what is counted and not described is bound all the same
  const undescribed = task.found
    .filter(
      ({ type, region }) => !resources.some(one => one.type === type && (!region || one.region === region)),
    )
    .map(({ type, region }) => ({
      type,
      region,
      instance: '',
      domains: [],
      unmatched: [],
      certificateId: id,
    }))
  return {
    isComplete: task.isComplete && !detail.problems.length,
    isGone: false,
    resources: [...resources, ...undescribed],
    problems: [...task.problems, ...detail.problems],
  }
}

async function readDetail(taskId: string, id: string, send: SurveyDeps['send']) {
  const resources: FoundResource[] = []
  const problems: string[] = []
  for (let offset = 0; ; offset += SURVEY_PAGE) {
    const page = surveyDetailOf(await send(readSurveyDetail(taskId, offset)), id, offset)
    resources.push(...page.resources)
    problems.push(...page.problems)
    if (!page.hasMore) return { resources, problems: [...new Set(problems)] }
  }
}
