/** The looks of a daemon: what is found is carried, told and counted, and decides when the next look follows. */
import { requeueAfter } from '../core/nextLook.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Metrics } from '../edge/metrics.ts'
import type { WorkQueueDeps } from '../rounds.ts'
import { type SyncDeps, syncCertificate } from '../sync.ts'
import type { ProcessContext } from '../world.ts'
import type { AccountBreaker } from './account.ts'
import type { App } from './engine.ts'
import type { SourceWatching } from './ground.ts'
import type { DaemonLog } from './voice.ts'

export interface Checks {
  readonly checkLineage: WorkQueueDeps['look']
  /** The lineages whose next attempt is a while off, for the last one did not get through. Their next look waits no longer. */
  readonly retryWaiting: () => readonly string[]
}

export interface ChecksDeps {
  readonly ground: Pick<SourceWatching, 'visit'>
  readonly account: AccountBreaker
  readonly voice: DaemonLog
  readonly metrics: () => Metrics | undefined
  /** A lineage's files have been away for a whole row of looks: perhaps it has been deleted. */
  readonly onMissing: () => void
}

export function createChecks(
  engine: App,
  { now, monotonicNow: monotonic }: ProcessContext,
  looksEffects: ChecksDeps,
): Checks {
  const { settings, effects, receipts, herald } = engine
  const { ground, account, voice, metrics, onMissing } = looksEffects
  const wishes = { force: false, dryRun: false, endpoint: settings.endpoint.hostname }
  const waiting = new Set<string>()
  const eager = new Set<string>()

  /** The service has these already; what was missing is a place for their IDs, and without one they are not sent again. */
  const unrecorded = new Set<string>()
  const upload: SyncDeps['upload'] = async (bundle, lineage) => {
    if (unrecorded.has(lineage.id)) await receipts.prepare()
    return account.upload(bundle, lineage)
  }

  const look: Checks['checkLineage'] = async (id, last) => {
    const patient = !eager.delete(id)
    const lineage = await ground.visit(id)
    if (!lineage) return 'done'
    const outcome = await syncCertificate(
      lineage,
      { ...effects, upload },
      { ...wishes, honourBackoff: patient, last },
    )
    if (isUnrecorded(outcome)) unrecorded.add(id)
    else if (!('fault' in outcome)) unrecorded.delete(id)
    if (isWaiting(outcome)) waiting.add(id)
    else waiting.delete(id)
    voice.outcome(outcome)
    herald.outcome(outcome)
    const next = requeueAfter(outcome, now(), account.openUntil())
    // half of a renewal is no outcome yet
    if (last || next !== 'mid-change') metrics()?.outcome(outcome)
    if (last && isMissing(outcome)) onMissing()
    // from here on by a clock that never steps
    return typeof next === 'string' ? next : { until: monotonic() + Math.max(0, next.at - now()) }
  }
  return {
    checkLineage: look,
    retryWaiting: () => {
      for (const id of waiting) eager.add(id)
      return [...waiting]
    },
  }
}

const isMissing = (outcome: Outcome) =>
  outcome.outcome === 'failed' && outcome.fault.code === 'PAIR_INCOMPLETE'

const isUnrecorded = (outcome: Outcome) => outcome.outcome === 'failed' && outcome.fault.code === 'UNRECORDED'

const isWaiting = (outcome: Outcome) =>
  outcome.outcome === 'waiting' ||
  (outcome.outcome === 'failed' && outcome.fault.retry === 'later' && outcome.fault.scope !== 'account')
