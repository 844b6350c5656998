/** Replacement jobs. What is the state of a resource in a job is a function of the job and the time. Pure. */
import { coversAll } from './account.ts'
import {
  type AccountResource,
  type CloudAccount,
  type Detail,
  type Job,
  STATUS,
  type Status,
} from './state.ts'

interface NewJob {
  readonly certId: string
  readonly oldCertId: string
  readonly types: readonly string[]
  readonly regions: readonly string[]
  readonly on: readonly AccountResource[]
  readonly rollback?: boolean
}

export function createJob(account: CloudAccount, { on, rollback = false, ...job }: NewJob): Job {
  const { jobs, now, seconds, newNumber, traps } = account
  const created: Job = {
    ...job,
    rollback,
    id: newNumber(),
    createdAt: now(),
    visibleFrom: now() + seconds(traps.recordHiddenSeconds),
    details: on.map(each => ({ id: newNumber(), on: each, attempts: [] })),
  }
  jobs.push(created)
  attempt(account, created, created.details)
  return created
}

/** Plans when each resource changes, one after the other. */
export function attempt(account: CloudAccount, job: Job, details: readonly Detail[]): void {
  const { traps, seconds, dice, now } = account
  const { switchFromSeconds: first, switchToSeconds: last } = traps
  for (const [i, detail] of details.entries()) {
    const spread = first + ((last - first) * (i + dice())) / details.length
    const until = now() + seconds(detail.on.resource.switchSeconds ?? spread)
    const workingFrom = Math.max(now(), until - seconds(traps.workingSeconds))
    const planned = { from: now(), workingFrom, until, ...endOf(account, job, detail.on) }
    detail.attempts.push(planned)
    detail.on.attempts += 1
    if (planned.ends === STATUS.done || planned.ends === STATUS.rolledBack)
      detail.on.bindings.push({ at: until, certId: job.certId })
  }
}

type End = Pick<Detail['attempts'][number], 'ends' | 'message'>

function endOf(account: CloudAccount, job: Job, on: AccountResource): End {
  const failed = job.rollback ? STATUS.rollbackFailed : STATUS.failed
  const { fail, shows } = on.resource
  if (shows === STATUS.nothingToDo) return { ends: STATUS.nothingToDo, message: '' }
  if (on.state === 'operating') return { ends: failed, message: 'FailedOperation.ResourceInOperating' }
  const names = account.store.get(job.certId)?.names ?? []
  if (!coversAll(names, on)) return { ends: failed, message: UNCOVERED }
  if (fail !== undefined && (fail.times === 'always' || on.attempts < fail.times))
    return { ends: failed, message: fail.message }
  return { ends: job.rollback ? STATUS.rolledBack : STATUS.done, message: '' }
}

/** JSON with escapes, as the service sometimes writes its messages. */
const UNCOVERED = '{"message":"\\u8bc1\\u4e66\\u57df\\u540d\\u4e0d\\u5339\\u914d"}'

export function statusOf({ attempts, on }: Detail, at: number): Status {
  const current = attempts.findLast(({ from }) => from <= at)
  if (current === undefined || at < current.workingFrom) return STATUS.pending
  if (at < current.until)
    return on.resource.shows === STATUS.undocumented ? STATUS.undocumented : STATUS.working
  return current.ends
}

const UNFINISHED: readonly Status[] = [STATUS.pending, STATUS.working, STATUS.undocumented]

export const isFinished = (job: Job, at: number): boolean =>
  job.details.every(detail => !UNFINISHED.includes(statusOf(detail, at)))

export const runningJobOf = ({ jobs, now }: CloudAccount, oldCertId: string): Job | undefined =>
  jobs.find(job => job.oldCertId === oldCertId && !isFinished(job, now()))

/** When the detail last changed its status. */
export function changedAt({ attempts }: Detail, at: number): number {
  const times = attempts.flatMap(({ from, workingFrom, until }) => [from, workingFrom, until])
  return Math.max(...times.filter(time => time <= at))
}

export const messageOf = ({ attempts }: Detail, at: number): string => {
  const current = attempts.findLast(({ from }) => from <= at)
  return current !== undefined && current.until <= at ? current.message : ''
}
