/** The record of a replacement under way: what is about to be done is written before it is done. */
import { Fault } from '../errors.ts'
import type { Receipt } from '../receipts/receipt.ts'
import { enter, type Job, type Replacement, type ReplacementState } from '../receipts/replacement.ts'
import type { Lineage } from '../sources/lineage.ts'
import { REPLACEMENT_RETRY_MS } from '../util/schedule.ts'
import { withBound } from './chain.ts'
import { withJob } from './job.ts'
import { heldFault, isHeld } from './state.ts'

export interface RecordDeps {
  readonly now: () => Date
  readonly record: (lineage: Lineage, amend: (receipt: Receipt) => Receipt) => Promise<void>
  /** Called whenever a replacement enters another state, or comes further in it. */
  readonly onChange: (lineage: Lineage, replacement: Replacement) => void
}

type Bound = ReadonlyMap<string, 'no' | 'yes'>

type Details = NonNullable<Parameters<typeof enter>[3]>

export class ReplacementRecord {
  /** As it is known now; `save` writes it. */
  current: Replacement
  readonly #lineage: Lineage
  readonly #deps: RecordDeps

  constructor(lineage: Lineage, deps: RecordDeps, replacement: Replacement) {
    this.#lineage = lineage
    this.#deps = deps
    this.current = replacement
  }

  async enter(state: ReplacementState, details: Details = {}, bound: Bound = new Map()): Promise<void> {
    await this.save(enter(this.current, state, this.#deps.now(), details), bound)
  }

  /** What is held stays so, whatever becomes of a job that was under way. */
  async saveJob(job: Job, state: ReplacementState, reason?: string): Promise<void> {
    const jobs = withJob(this.current.jobs, job)
    const isFurther = doneBy(jobs) > doneBy(this.current.jobs)
    this.current = { ...this.current, jobs }
    if (isHeld(this.current)) await this.save(this.current)
    else await this.enter(state, { ...(reason && { reason }), ...(isFurther && { attempts: 0 }) })
  }

  /** What stopped it is recorded with the state that it stopped in. */
  async postpone(fault: Fault): Promise<void> {
    if (fault.code === 'DEADLINE' || fault.code === 'INTERRUPTED' || isHeld(this.current)) return
    const { message: reason, advice, code } = fault
    // the end of an outage should be noticed soon
    const next = this.nextCheck(fault.silent ? 0 : this.current.attempts)
    await this.save({ ...this.current, reason, advice, code, ...next }).catch(error => {
      // the fault that is being reported says more
      if (!(error instanceof Fault)) throw error
    })
  }

  /** When it is checked again: later each time that it came no further. */
  nextCheck(attempts = this.current.attempts): Required<Pick<Replacement, 'attempts' | 'nextCheckAt'>> {
    const delay = REPLACEMENT_RETRY_MS[Math.min(attempts, REPLACEMENT_RETRY_MS.length - 1)] ?? 0
    return { attempts: attempts + 1, nextCheckAt: new Date(this.#deps.now().getTime() + delay).toISOString() }
  }

  /** @throws Fault REPLACEMENT_HELD where another process has rolled it back meanwhile: that is not overwritten. */
  async save(replacement: Replacement, bound: Bound = new Map()): Promise<void> {
    const wasHeld = isHeld(this.current)
    this.current = replacement
    const { now, record, onChange } = this.#deps
    let held: Replacement | undefined
    await record(this.#lineage, receipt => {
      const stored = receipt.replacement
      held = stored?.to === replacement.to && isHeld(stored) && !wasHeld ? stored : undefined
      if (held) return withBound(receipt, bound, now())
      // another process has uploaded a newer certificate, and has begun with that
      const isOvertaken =
        receipt.replacement !== undefined &&
        receipt.replacement.to !== replacement.to &&
        receipt.replacement.to === receipt.uploaded?.certificateId
      return withBound(isOvertaken ? receipt : { ...receipt, replacement }, bound, now())
    })
    if (held) {
      this.current = held
      throw heldFault(held)
    }
    onChange(this.#lineage, replacement)
  }
}

const doneBy = (jobs: readonly Job[]) => jobs.reduce((sum, { done }) => sum + done, 0)
