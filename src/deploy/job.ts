/**
 * One job of the service, asked for and followed to its end. Whatever a crash, a lost reply or another host has left behind
 * is repaired by asking again: the pair of IDs is the job's name, and the identical request finds it.
 */
import { Fault } from '../errors.ts'
import { isUnfinished, type Job, type ReplacementState } from '../receipts/replacement.ts'
import type { Reply } from '../tencent/response.ts'
import {
  FOREIGN_POLLS_MS,
  RECORD_END_POLLS,
  RECORD_LIMIT_MS,
  RECORD_POLLS_MS,
  SCAN_LIMIT_MS,
  SCAN_POLLS_MS,
} from '../util/schedule.ts'
import { askedOf, type Progress, progressOf, recordsIn } from './jobReply.ts'
import { isApiCode, type PollDeps, pollDelay } from './polls.ts'
import { askToReplace, findRecords, RECORD_PAGE, readRecord, retryRecord } from './requests.ts'

export interface JobDeps extends PollDeps {
  readonly now: () => Date
  /** Records the job before the service is asked, and whenever it is further. */
  readonly save: (job: Job, state: ReplacementState, reason?: string) => Promise<void>
  /** The service refuses jobs side by side. */
  readonly onCrowded: () => void
  /** Whether other replacements wait for their turn. */
  readonly othersWait: () => boolean
}

export type JobEnd =
  | 'ended'
  /** The service found nothing to replace: a survey says why. */
  | 'nothing-found'
  /** Another job was in the way and has ended: a survey says what is left. */
  | 'foreign-ended'

const PENDING = 'FailedOperation.CertificateDeployHasPendingRecord'
/** One of the two certificates may have been deleted meanwhile: a survey says which. */
const NOTHING_FOUND = [
  'FailedOperation.CertificateDeployInstanceEmpty',
  'FailedOperation.CertificateNotDeployInstance',
  'FailedOperation.CertificateNotFound',
] as const
const NO_RECORD = 'FailedOperation.CertificateDeployNotExist'
const NO_RETRY = [
  'FailedOperation.CertificateDeployRetryStatusInvalid',
  'FailedOperation.CertificateDeployDetailRollbackStatusInvalid',
] as const

/** A record without any resource after this is taken for one that found none. In milliseconds. */
const APPEAR_LIMIT_MS = 2 * 60_000

/** A record that has not ended this long after it was asked for is followed no more. In milliseconds. */
const STUCK_RECORD_MS = 60 * 60_000

/** @throws Fault REPLACEMENT_RUNNING where the time is over, or that of the service. */
export async function runJob(job: Job, deps: JobDeps): Promise<{ readonly job: Job; readonly end: JobEnd }> {
  const asked = job.recordId ? job : await ask(job, deps)
  if (typeof asked === 'string') {
    const ended = { ...job, endedAt: deps.now().toISOString() }
    await deps.save(ended, 'surveying')
    return { job: ended, end: asked }
  }
  return follow(asked, deps, job.recordId !== undefined)
}

/** Repeats the identical request until the service names a record. */
async function ask(first: Job, deps: JobDeps): Promise<Job | Exclude<JobEnd, 'ended'>> {
  const limit = deps.monotonicNow() + SCAN_LIMIT_MS
  let job = first
  for (let polls = 0; deps.monotonicNow() < limit; polls++) {
    // each time: it ends here where another process has rolled back meanwhile
    await deps.save(job, 'asked')
    try {
      const { recordId, requestId } = askedOf(await deps.send(askToReplace(job)))
      job = { ...job, requestId }
      if (recordId) {
        const known = { ...job, recordId }
        await deps.save(known, 'running')
        return known
      }
    } catch (error) {
      if (isApiCode(error, ...NOTHING_FOUND)) return 'nothing-found'
      if (!isApiCode(error, PENDING)) throw error
      const other = await findUnfinished(job, deps)
      if (other?.to === job.to) {
        const known = { ...job, recordId: other.recordId }
        await deps.save(known, 'running')
        return known
      }
      if (other) {
        await waitFor(other, job, deps)
        return 'foreign-ended'
      }
      // no record of this ID: the account takes one job at a time
      deps.onCrowded()
      await deps.sleep(pollDelay(FOREIGN_POLLS_MS, polls, deps.random()))
      continue
    }
    await deps.sleep(pollDelay(SCAN_POLLS_MS, polls, deps.random()))
  }
  throw new Fault('REPLACEMENT_RUNNING', `the service still searches for what uses ${job.from}`)
}

/** A record that shows no resource after this never will. In milliseconds. */
const EMPTY_RECORD_MS = 10 * 60_000

/** The newest record of the older ID that has not ended, if there is one. */
export async function findUnfinished(
  { from }: Pick<Job, 'from'>,
  { send, now }: Pick<JobDeps, 'send' | 'now'>,
): Promise<{ readonly recordId: string; readonly to: string } | undefined> {
  const [newest] = recordsIn(await send(findRecords(from)), from)
  if (!newest) return undefined
  const progress = await readProgress(newest.recordId, send).catch(error => {
    if (isApiCode(error, NO_RECORD)) return undefined
    throw error
  })
  if (!progress || progress.isEnded) return undefined
  const age = now().getTime() - (newest.createdAt ?? 0)
  return progress.total === 0 && age > EMPTY_RECORD_MS ? undefined : newest
}

/** Follows a job of another's until it ends: two jobs for one ID would undo each other. */
export async function waitFor(
  other: { readonly recordId: string; readonly to: string },
  job: Job,
  deps: JobDeps,
): Promise<void> {
  const reason = `record ${other.recordId} of the account replaces ${job.from} by ${other.to}`
  await deps.save(job, 'foreign', reason)
  const limit = deps.monotonicNow() + RECORD_LIMIT_MS
  for (let polls = 0; deps.monotonicNow() < limit; polls++) {
    await deps.sleep(pollDelay(FOREIGN_POLLS_MS, polls, deps.random()))
    if ((await readProgress(other.recordId, deps.send)).isEnded) return
  }
  throw new Fault('REPLACEMENT_RUNNING', `${reason}, and is still under way`)
}

async function readProgress(recordId: string, send: JobDeps['send'], isRollback = false): Promise<Progress> {
  const replies: Reply[] = []
  for (;;) {
    replies.push(await send(readRecord(recordId, replies.length * RECORD_PAGE)))
    const progress = progressOf(replies, isRollback)
    if (!progress.hasMore) return progress
  }
}

/** A record that was there before is read at once. */
async function follow(
  first: Job,
  deps: JobDeps,
  isKnown: boolean,
): Promise<{ readonly job: Job; readonly end: JobEnd }> {
  const begun = deps.monotonicNow()
  let job = first
  const recordId = job.recordId as string
  let endPolls = 0
  for (let polls = 0; ; polls++) {
    const recordDelays = RECORD_POLLS_MS[deps.othersWait() ? 'crowded' : 'alone']
    const delays = endPolls > 0 && endPolls <= RECORD_END_POLLS.most ? [RECORD_END_POLLS.delay] : recordDelays
    if (polls > 0 || !isKnown) await deps.sleep(pollDelay(delays, polls, deps.random()))
    const progress = await readProgress(recordId, deps.send, job.isRollback).catch(error => {
      if (isApiCode(error, NO_RECORD)) return undefined
      throw error
    })
    const waited = deps.monotonicNow() - begun
    if (!progress || (progress.total === 0 && waited > APPEAR_LIMIT_MS))
      return finish(job, deps, 'nothing-found')
    if (!job.isRollback && progress.to !== undefined && progress.to !== job.to) {
      // the service named the record of another's job that was under way
      const { recordId: _, ...own } = job
      if (!progress.isEnded) await waitFor({ recordId, to: progress.to }, own, deps)
      return finish(own, deps, 'foreign-ended')
    }
    endPolls = progress.isNearEnd ? endPolls + 1 : 0
    const isFurther = progress.done !== job.done || progress.total !== job.total
    job = { ...job, total: progress.total, done: progress.done, failures: progress.failures }
    if (progress.isEnded && progress.failures.length && !job.retried) {
      await deps.send(retryRecord(recordId)).catch(error => {
        if (!isApiCode(error, ...NO_RETRY)) throw error
      })
      // not before it is sent: a run that was killed meanwhile would leave it out, and asking twice does no harm
      job = { ...job, retried: true }
      await deps.save(job, 'running')
      continue
    }
    if (progress.isEnded) return finish(job, deps, 'ended')
    if (isFurther) await deps.save(job, 'running')
    if (waited > RECORD_LIMIT_MS) {
      // a record that never says that it has ended: what it has done, a survey says
      const age = deps.now().getTime() - Date.parse(job.askedAt)
      if (age > STUCK_RECORD_MS) return finish(job, deps, 'nothing-found')
      const so = `${progress.done} of ${progress.total}`
      throw new Fault('REPLACEMENT_RUNNING', `record ${recordId} is still under way at the service (${so})`)
    }
  }
}

async function finish(job: Job, deps: JobDeps, end: JobEnd) {
  const ended = { ...job, endedAt: deps.now().toISOString() }
  await deps.save(ended, 'surveying')
  return { job: ended, end }
}

/** With this job in place of the one it continues, newest first; of ended ones a few are kept. */
export function withJob(jobs: readonly Job[], job: Job): readonly Job[] {
  const others = jobs.filter(one => keyOf(one) !== keyOf(job))
  const unfinished = others.filter(isUnfinished)
  return [job, ...unfinished, ...others.filter(one => !isUnfinished(one)).slice(0, KEPT_JOBS)]
}

const KEPT_JOBS = 10

const keyOf = ({ from, to, askedAt, types, regions }: Job) =>
  JSON.stringify([from, to, askedAt, types, regions])

/** One job for each type and region, for an account with more resources than the service takes at once. */
export const split = (job: Job): readonly Job[] =>
  job.types.flatMap(type => {
    const regions = job.regions[type] ?? []
    return regions.length
      ? regions.map(region => ({ ...job, types: [type], regions: { [type]: [region] } }))
      : [{ ...job, types: [type], regions: {} }]
  })
