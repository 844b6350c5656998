/** The daemon's replacements: which lineage's older certificates are replaced, followed or retired, and when. */
import type { Replacer } from '../deploy/replacer.ts'
import { Fault } from '../errors.ts'
import type { Logger } from '../log/logger.ts'
import { isUnfinished, type ReplacementResult } from '../receipts/replacement.ts'
import { withoutKeys } from '../secret.ts'
import type { Lineage } from '../sources/lineage.ts'
import type { Outcome } from '../upload/outcome.ts'
import { traceOf } from '../upload/report.ts'
import { ACCOUNT_RETRY_MS, EXAMINE_BATCH_MS, FOLLOW_AGAIN_MS } from '../util/schedule.ts'
import { type CheckResult, createWorkQueue, type WorkQueueDeps } from './workQueue.ts'

export interface ReplacementsDeps extends Pick<WorkQueueDeps, 'setTimer'> {
  /** The lineage with that ID, while it is on disk. */
  readonly lineage: (id: string) => Lineage | undefined
  /** Loaded with the first lineage that has something to replace. `ending` ends its work. */
  readonly openReplacer: (ending: AbortSignal) => Promise<Replacer>
  /** Until when requests are paused. */
  readonly openUntil: () => number | undefined
  readonly log: Logger
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds of a clock that never steps. */
  readonly monotonicNow: () => number
}

export interface Replacements {
  /** After the check of a lineage: what it has uploaded may have something left to do. */
  readonly checked: (outcome: Outcome) => void
  /** Ends what is under way as soon as a request is answered; what is recorded of it is followed by the next process. */
  readonly stop: () => Promise<void>
}

const RUN = { dryRun: false, force: false, isHurried: false, honourNextCheck: true } as const

/** A queue of its own: a replacement takes minutes, and no upload waits for one. */
export function createReplacements(deps: ReplacementsDeps): Replacements {
  const { lineage, openReplacer, openUntil, log, now, monotonicNow, setTimer } = deps
  const ending = new AbortController()
  const examining = new Set<Promise<void>>()
  let asked = new Set<string>()

  const queue = createWorkQueue({ check: advance, onStale: () => {}, now: monotonicNow, setTimer })

  /** One query for all lineages that were checked within a moment. */
  async function examine(): Promise<void> {
    const lineages = [...asked].flatMap(id => lineage(id) ?? [])
    asked = new Set()
    if (ending.signal.aborted || !lineages.length) return
    const { examine } = await openReplacer(ending.signal)
    const { due, others } = await examine(lineages, RUN)
    const waiting = [...others].filter(([, { replacement }]) => replacement?.nextCheckAt !== undefined)
    queue.enqueue([...due.map(({ id }) => id), ...waiting.map(([id]) => id)])
  }

  async function advance(id: string): Promise<CheckResult> {
    const one = lineage(id)
    const until = openUntil()
    if (!one) return 'done'
    if (until !== undefined) return { afterMs: Math.max(0, until - now()) }
    try {
      const { replace } = await openReplacer(ending.signal)
      return againAfter(await replace(one, RUN), now())
    } catch (error) {
      logUnexpected(error)
      return { afterMs: ACCOUNT_RETRY_MS }
    }
  }

  /** A fault of the state directory is logged by the checks. */
  function logUnexpected(error: unknown): void {
    if (error instanceof Fault) return
    log.error(
      { event: 'internal_error' },
      `unexpected while replacing: ${withoutKeys(String(error))} ${traceOf(error).join(' ')}`,
    )
  }

  return {
    checked: outcome => {
      const isUploaded = outcome.outcome === 'uploaded' || outcome.outcome === 'unchanged'
      if (!isUploaded || !lineage(outcome.lineage)?.deploy.replace || ending.signal.aborted) return
      if (!asked.size)
        setTimer(EXAMINE_BATCH_MS, () => {
          const work = examine()
            .catch(logUnexpected)
            .finally(() => examining.delete(work))
          examining.add(work)
        })
      asked.add(outcome.lineage)
    },
    stop: async () => {
      ending.abort(new Fault('INTERRUPTED', 'the daemon ends'))
      await Promise.all([queue.stop(), ...examining])
    },
  }
}

/** When a replacement is checked again without another check of its lineage. */
export function againAfter({ replacement, fault }: ReplacementResult, now: number): CheckResult {
  if (replacement?.nextCheckAt === undefined) return 'done'
  // the service works on it, and one run's time was over
  if (fault?.code === 'REPLACEMENT_RUNNING' && replacement.jobs.some(isUnfinished))
    return { afterMs: FOLLOW_AGAIN_MS }
  return { afterMs: Math.max(FOLLOW_AGAIN_MS, Date.parse(replacement.nextCheckAt) - now) }
}
