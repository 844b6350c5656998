/**
 * The work queue: which certificate is checked, and when. Each certificate is checked once at a time. A request carries no
 * data: any number of them cause one check, and one that arrives during a check causes another, because it may be for a
 * change that came after the files were read.
 */
import type { Outcome } from '../upload/outcome.ts'
import {
  ACCOUNT_RETRY_MS,
  DEBOUNCE_MS,
  RECHECK_DELAYS_MS,
  RECORDED_RETRY_MS,
  STALE_AFTER_MS,
  UNREADABLE_RETRY_MS,
} from '../util/schedule.ts'

/** How a check ended, as far as the next one is concerned. */
export type CheckResult = 'done' | 'mid-change' | { readonly afterMs: number }

export interface WorkQueueDeps {
  /** Checks one certificate; never rejects. `last` means that the files will not be rechecked soon. */
  readonly check: (id: string, last: boolean) => Promise<CheckResult>
  /** A certificate has been mid-change for ten minutes. Called once. */
  readonly onStale: (id: string) => void
  readonly onChecked?: () => void
  /** Milliseconds of a clock that never steps. */
  readonly now: () => number
  /** Calls back after so many milliseconds, and returns what cancels that. */
  readonly setTimer: (ms: number, call: () => void) => () => void
}

export interface WorkQueue {
  readonly enqueue: (ids: Iterable<string>) => void
  /** Forgets every certificate but these. */
  readonly retain: (ids: ReadonlySet<string>) => void
  /** How many certificates are mid-change. */
  readonly pending: () => number
  /** Starts no more checks; resolves when those under way have ended. */
  readonly stop: () => Promise<void>
}

interface Job {
  readonly id: string
  /** When it is checked next, if it is. */
  dueAt: number
  cancelTimer: () => void
  running: boolean
  /** Requested again during the check. */
  dirty: boolean
  /** Left the disk during the check. */
  removed: boolean
  /** Checks in a row that found it mid-change. */
  attempts: number
  /** Set while it is mid-change. */
  cancelStale: (() => void) | undefined
}

/** More than there are ever requests under way, so that reading files never delays an upload. */
const MAX_RUNNING = 256

const NEVER = Number.POSITIVE_INFINITY

export function createWorkQueue({ check, onStale, onChecked, now, setTimer }: WorkQueueDeps): WorkQueue {
  const jobs = new Map<string, Job>()
  /** Jobs that are due, the longest waiting first. */
  const ready = new Set<Job>()
  const running = new Set<Promise<void>>()
  let stopped = false

  function jobFor(id: string): Job {
    const known = jobs.get(id)
    if (known) return known
    const job: Job = {
      id,
      dueAt: NEVER,
      cancelTimer: () => {},
      running: false,
      dirty: false,
      removed: false,
      attempts: 0,
      cancelStale: undefined,
    }
    jobs.set(id, job)
    return job
  }

  function schedule(job: Job, ms: number): void {
    job.cancelTimer()
    job.dueAt = now() + ms
    job.cancelTimer = setTimer(ms, () => {
      ready.add(job)
      startReady()
    })
  }

  function startReady(): void {
    for (const job of ready) {
      if (running.size >= MAX_RUNNING) return
      ready.delete(job)
      const work = run(job).finally(() => {
        running.delete(work)
        startReady()
      })
      running.add(work)
    }
  }

  async function run(job: Job): Promise<void> {
    job.cancelTimer()
    job.dueAt = NEVER
    job.running = true
    job.dirty = false
    const result = await check(job.id, job.attempts >= RECHECK_DELAYS_MS.length - 1)
    job.running = false
    if (job.removed) jobs.delete(job.id)
    else if (!stopped) finish(job, result)
    onChecked?.()
  }

  function finish(job: Job, result: CheckResult): void {
    if (result === 'mid-change') {
      job.cancelStale ??= setTimer(STALE_AFTER_MS, () => onStale(job.id))
    } else settle(job)
    if (job.dirty) {
      job.attempts = 0
      ready.add(job)
    } else if (result === 'done') jobs.delete(job.id)
    else if (result === 'mid-change') {
      const delay = RECHECK_DELAYS_MS[job.attempts]
      job.attempts += 1
      if (delay !== undefined) schedule(job, delay)
    } else schedule(job, result.afterMs)
  }

  /** It is no longer mid-change. */
  function settle(job: Job): void {
    job.cancelStale?.()
    job.cancelStale = undefined
    job.attempts = 0
  }

  function request(id: string): void {
    const job = jobFor(id)
    job.removed = false
    if (job.running) {
      job.dirty = true
      return
    }
    job.attempts = 0
    if (!ready.has(job) && now() + DEBOUNCE_MS < job.dueAt) schedule(job, DEBOUNCE_MS)
  }

  function forget(job: Job): void {
    settle(job)
    job.cancelTimer()
    ready.delete(job)
    // kept while it runs: if it is requested meanwhile, it must not be checked twice at once
    if (job.running) job.removed = true
    else jobs.delete(job.id)
  }

  return {
    enqueue: ids => {
      if (stopped) return
      for (const id of ids) request(id)
    },
    retain: ids => {
      for (const job of jobs.values()) if (!ids.has(job.id)) forget(job)
    },
    pending: () => [...jobs.values()].filter(({ cancelStale }) => cancelStale).length,
    stop: async () => {
      stopped = true
      ready.clear()
      for (const job of jobs.values()) {
        job.cancelTimer()
        job.cancelStale?.()
      }
      await Promise.all(running)
    },
  }
}

/** When a certificate is checked again without a change on disk. `openUntil`: until when uploads are paused. */
export function requeueAfter(outcome: Outcome, now: number, openUntil: number | undefined): CheckResult {
  const at = (time: number) => ({ afterMs: Math.max(0, time - now) })
  switch (outcome.outcome) {
    case 'waiting':
      return at(outcome.until.getTime())
    case 'refused':
      // there is no event when it becomes valid
      return outcome.because === 'not-yet-valid' && outcome.bundle
        ? at(outcome.bundle.notBefore.getTime())
        : 'done'
    case 'failed':
      if (outcome.fault.retry === 'recheck') return 'mid-change'
      if (outcome.fault.scope === 'account') return at(openUntil ?? now + ACCOUNT_RETRY_MS)
      if (outcome.fault.code === 'UPLOAD_NOT_RECORDED') return { afterMs: UNREADABLE_RETRY_MS }
      if (outcome.fault.retry !== 'backoff') return 'done'
      return { afterMs: outcome.bundle ? RECORDED_RETRY_MS : UNREADABLE_RETRY_MS }
    default:
      return 'done'
  }
}
