/**
 * Finds out where certificate IDs are bound in the account. IDs that are asked for within a moment share one search and its
 * polls, so that a night with a thousand renewals costs a few requests each.
 */
import { Fault } from '../errors.ts'
import type { BoundResource } from '../receipts/replacement.ts'
import type { Reply } from '../tencent/response.ts'
import { SURVEY_BATCH_MS, SURVEY_POLLS_MS } from '../util/schedule.ts'
import {
  createSurvey,
  MAX_SURVEYED,
  type Request,
  readSurveyDetail,
  readSurveyResults,
  SURVEY_PAGE,
} from './requests.ts'
import { type FoundResource, type SurveyTask, surveyDetailOf, surveyTasksIn, tasksIn } from './surveyReply.ts'

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

export interface SurveyDeps {
  readonly send: (request: Request) => Promise<Reply>
  /** Rejects when the work is to end. */
  readonly sleep: (ms: number) => Promise<void>
  /** Milliseconds of a clock that never steps. */
  readonly monotonicNow: () => number
  /** 0 ≤ dice < 1. */
  readonly random: () => number
}

/** How long the service may take for one search, in milliseconds; after that the answer is incomplete. */
const SURVEY_LIMIT_MS = 5 * 60_000

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

  function search(id: string, isCached: boolean): Promise<Found> {
    const answer = Promise.withResolvers<Found>()
    const batch = batches.get(isCached)
    if (batch) batch.push({ id, answer })
    else {
      const begun: Waiting[] = [{ id, answer }]
      batches.set(isCached, begun)
      deps
        .sleep(SURVEY_BATCH_MS)
        .then(() => {
          batches.delete(isCached)
          return searchAll(begun, isCached, deps)
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

async function searchAll(batch: readonly Waiting[], isCached: boolean, deps: SurveyDeps): Promise<void> {
  const byId = Map.groupBy(batch, ({ id }) => id)
  const ids = [...byId.keys()]
  const answer = (id: string, found: Found) => {
    for (const one of byId.get(id) ?? []) one.answer.resolve(found)
  }
  const parts = Array.from({ length: Math.ceil(ids.length / MAX_SURVEYED) }, (_, i) =>
    ids.slice(i * MAX_SURVEYED, (i + 1) * MAX_SURVEYED),
  )
  const limit = deps.monotonicNow() + SURVEY_LIMIT_MS
  await Promise.all(parts.map(part => searchPart(part, { isCached, limit }, answer, deps)))
}

interface Search {
  readonly isCached: boolean
  /** By `monotonicNow`. */
  readonly limit: number
}

/** One ID that the account does not have spoils the request for all: then each half is searched by itself. */
async function searchPart(
  ids: readonly string[],
  search: Search,
  answer: (id: string, found: Found) => void,
  deps: SurveyDeps,
): Promise<void> {
  try {
    const tasks = tasksIn(await deps.send(createSurvey(ids, search.isCached)))
    for (const id of ids) if (!tasks.has(id)) answer(id, { taskId: undefined, task: undefined })
    await poll(tasks, search, answer, deps)
  } catch (error) {
    if (!isApiCode(error, 'FailedOperation.CertificateNotFound')) throw error
    if (ids.length === 1) return answer(ids[0] as string, GONE)
    const middle = Math.ceil(ids.length / 2)
    const halves = [ids.slice(0, middle), ids.slice(middle)]
    await Promise.all(halves.map(half => searchPart(half, search, answer, deps)))
  }
}

const GONE: Found = {
  taskId: undefined,
  task: { status: 'failed', isComplete: true, found: [], problems: [] },
}

async function poll(
  tasks: ReadonlyMap<string, string>,
  search: Search,
  answer: (id: string, found: Found) => void,
  deps: SurveyDeps,
): Promise<void> {
  const waiting = new Map([...tasks].map(([id, taskId]) => [taskId, id]))
  for (let polls = 0; waiting.size && deps.monotonicNow() < search.limit; polls++) {
    await deps.sleep(pollDelay(SURVEY_POLLS_MS, polls, deps.random()))
    const results = await deps.send(readSurveyResults([...waiting.keys()])).then(surveyTasksIn, error => {
      if (isApiCode(error, 'FailedOperation.CertificateSyncTaskIdInvalid')) return undefined
      throw error
    })
    // the tasks have expired: another search
    if (!results) return searchPart([...waiting.values()], search, answer, deps)
    for (const [taskId, task] of results) {
      const id = waiting.get(taskId)
      if (id === undefined || task.status === 'pending') continue
      waiting.delete(taskId)
      answer(id, { taskId, task })
    }
  }
  for (const id of waiting.values()) answer(id, { taskId: undefined, task: undefined })
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
  const detail = wanted === 'none' ? { resources: [], problems: [] } : await readDetail(taskId, send)
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

async function readDetail(taskId: string, send: SurveyDeps['send']) {
  const resources: FoundResource[] = []
  const problems: string[] = []
  for (let offset = 0; ; offset += SURVEY_PAGE) {
    const page = surveyDetailOf(await send(readSurveyDetail(taskId, offset)))
    resources.push(...page.resources)
    problems.push(...page.problems)
    if (!page.hasMore) return { resources, problems: [...new Set(problems)] }
  }
}

/** The delay before the next poll, of which a fifth more or less is thrown. In milliseconds. */
export const pollDelay = (delays: readonly number[], polls: number, dice: number): number =>
  (delays[Math.min(polls, delays.length - 1)] ?? 0) * (0.8 + 0.4 * dice)

export const isApiCode = (error: unknown, ...codes: readonly string[]): error is Fault =>
  error instanceof Fault && error.apiCode !== undefined && codes.includes(error.apiCode)
