/** Runs the jobs of one replacement: those that an earlier run has left, and new ones, a few of the account side by side. */
import { Fault } from '../errors.ts'
import { isUnfinished, type Job, type ReplacementState } from '../receipts/replacement.ts'
import type { Chain } from './chain.ts'
import { findUnfinished, type JobDeps, runJob, split, waitFor } from './job.ts'
import { isApiCode } from './polls.ts'
import type { ReplacementRecord } from './replacementRecord.ts'
import { scopeOf } from './requests.ts'
import type { Survey } from './survey.ts'

export interface JobRunnerDeps extends Omit<JobDeps, 'save'> {
  /** Runs a few jobs of the account side by side. */
  readonly inSlot: <T>(job: () => Promise<T>) => Promise<T>
}

export class JobRunner {
  /** The pairs that this run has asked for: an older ID that is still bound afterwards has failed. */
  readonly #asked = new Set<string>()
  readonly #record: ReplacementRecord
  readonly #deps: JobRunnerDeps

  constructor(record: ReplacementRecord, deps: JobRunnerDeps) {
    this.#record = record
    this.#deps = deps
  }

  hasAsked(pair: Pick<Job, 'from' | 'to'>): boolean {
    return this.#asked.has(pairOf(pair))
  }

  /** Whether a resource of the pair's last job failed, as the service says. */
  hasFailed(pair: Pick<Job, 'from' | 'to'>): boolean {
    const last = this.#record.current.jobs.find(job => pairOf(job) === pairOf(pair))
    return last !== undefined && last.failures.length > 0
  }

  /** Jobs of an earlier run, also for an earlier certificate: two jobs for one ID would undo each other. */
  async continueUnfinished(): Promise<void> {
    const { now, inSlot } = this.#deps
    for (const job of this.#record.current.jobs.filter(isUnfinished)) {
      const isCurrent = job.to === this.#record.current.to
      if (!job.recordId && !isCurrent) {
        // not asked again for an older certificate; where the service made a record of it, that is followed
        const other = await findUnfinished(job, this.#deps)
        if (!other) {
          await this.#record.saveJob({ ...job, endedAt: now().toISOString() }, 'surveying')
          continue
        }
        await inSlot(() => this.#runJob({ ...job, recordId: other.recordId }))
      } else await inSlot(() => this.#runJob(job))
      if (isCurrent) this.#asked.add(pairOf(job))
    }
  }

  async replace(from: string, { current }: Chain, bound: Survey['resources']): Promise<void> {
    const { now } = this.#deps
    const job: Job = {
      from,
      to: current.certificateId,
      ...scopeOf(bound, from),
      askedAt: now().toISOString(),
      total: 0,
      done: 0,
      failures: [],
    }
    this.#asked.add(pairOf(job))
    await this.#deps.inSlot(async () => {
      const other = await findUnfinished(job, this.#deps)
      if (other?.to === job.to) return this.#runJob({ ...job, recordId: other.recordId })
      if (!other) return this.#runJob(job)
      // two jobs for one ID would undo each other: what is left after it, the next survey says
      const save = (_: Job, state: ReplacementState, reason?: string) =>
        this.#record.enter(state, reason ? { reason } : {})
      await waitFor(other, job, { ...this.#deps, save })
      this.#asked.delete(pairOf(job))
    })
  }

  async #runJob(job: Job): Promise<void> {
    const { onCrowded, othersWait, sleep, now, monotonicNow, random, send } = this.#deps
    const save = (next: Job, state: ReplacementState, reason?: string) =>
      this.#record.saveJob(next, state, reason)
    const deps = { onCrowded, othersWait, sleep, now, monotonicNow, random, send, save }
    const { end } = await runJob(job, deps).catch(async error => {
      const parts = isApiCode(error, HUGE) ? split(job) : []
      if (parts.length > 1) {
        await this.#record.saveJob({ ...job, endedAt: now().toISOString() }, 'surveying')
        for (const part of parts) await this.#runJob(part)
        return { end: 'ended' }
      }
      if (!(error instanceof Fault) || error.code !== 'API_REJECTED') throw error
      // a refused request is not repeated as it was: the next one is made from what is bound then
      await this.#record.saveJob({ ...job, endedAt: now().toISOString() }, 'surveying')
      throw new Fault('REPLACEMENT_FAILED', error.message, {
        advice: error.advice,
        ...(error.apiCode && { apiCode: error.apiCode }),
        ...(error.requestId && { requestId: error.requestId }),
      })
    })
    // another's job is over: this pair may be asked for again
    if (end === 'foreign-ended') this.#asked.delete(pairOf(job))
  }
}

const pairOf = ({ from, to }: Pick<Job, 'from' | 'to'>) => `${from} ${to}`

/** More resources than the service takes at once. */
const HUGE = 'FailedOperation.CertificateHostResourceInstanceHugeLimit'
