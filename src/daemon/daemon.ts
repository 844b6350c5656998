/** The daemon under one configuration: the rounds, what nudges them, and how they end. */
import type { App } from '../app.ts'
import { Fault } from '../errors.ts'
import type { Metrics } from '../metrics/registry.ts'
import type { ProcessContext } from '../processContext.ts'
import type { Outcome } from '../upload/outcome.ts'
import { type SyncDeps, syncCertificate } from '../upload/syncCertificate.ts'
import { type AccountBreaker, createAccountBreaker } from './circuitBreaker.ts'
import { createDaemonLog, type DaemonLog } from './log.ts'
import { createSchedule } from './rescan.ts'
import { type SourceWatching, startWatching } from './sourceWatching.ts'
import { createWorkQueue, requeueAfter, type WorkQueueDeps } from './workQueue.ts'

const DAY = 86_400_000

interface Watching {
  readonly certificates: number
  readonly pending: number
  readonly nextSweep: Date | null
  /** Milliseconds since 1970. */
  readonly now: number
}

/** In local time, as all times that systemctl shows; with its day where that is not plain. */
export function watchLine({ certificates, pending, nextSweep, now }: Watching): string {
  const parts = [`${certificates} certificate${certificates === 1 ? '' : 's'}`, `${pending} pending`]
  if (!nextSweep) return parts.join(', ')
  const day = nextSweep.getTime() - now < DAY ? '' : `${nextSweep.toDateString().slice(0, 10)} `
  return [...parts, `next sweep ${day}${nextSweep.toTimeString().slice(0, 5)}`].join(', ')
}

interface Checks {
  readonly checkLineage: WorkQueueDeps['look']
  /** The lineages whose next attempt is a while off, for the last one did not get through. Their next look waits no longer. */
  readonly retryWaiting: () => readonly string[]
}

interface ChecksDeps {
  readonly ground: Pick<SourceWatching, 'visit'>
  readonly account: AccountBreaker
  readonly voice: DaemonLog
  readonly metrics: () => Metrics | undefined
  /** A lineage's files have been away for a whole row of looks: perhaps it has been deleted. */
  readonly onMissing: () => void
}

function createChecks(
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
    const lineage = await ground.visit(id)
    if (!lineage) return 'done'
    const outcome = await syncCertificate(
      lineage,
      { ...effects, upload },
      { ...wishes, honourBackoff: !eager.delete(id), last },
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

const isUnrecorded = (outcome: Outcome) =>
  outcome.outcome === 'failed' && outcome.fault.code === 'UPLOAD_NOT_RECORDED'

const isWaiting = (outcome: Outcome) =>
  outcome.outcome === 'waiting' ||
  (outcome.outcome === 'failed' && outcome.fault.retry === 'backoff' && outcome.fault.scope !== 'account')

export interface Daemon {
  /** Resolves when every source is watched, and what is there has been listed. */
  readonly start: () => Promise<void>
  /** Looks at everything, whether or not anything was heard of it. */
  readonly sweep: (why: string) => Promise<void>
  /** One line for whoever asks how it is. */
  readonly status: () => string
  readonly pending: () => number
  /** At any time, and as often as one likes: begins nothing more, finishes what is under way within `FINISH`, and closes. */
  readonly stop: () => Promise<void>
}

export interface DaemonDeps {
  /** Something may have changed in what `status` says. */
  readonly onStatus: (status: () => string) => void
  /** Watching has died: the daemon is blind and must end. */
  readonly onDeath: (error: unknown) => void
  readonly metrics: () => Metrics | undefined
}

/** systemd and a person wait this long for uploads under way. In milliseconds. */
const DRAIN_TIMEOUT_MS = 10_000

export function createDaemon(
  engine: App,
  world: ProcessContext,
  { onStatus, onDeath, metrics }: DaemonDeps,
): Daemon {
  const { now, monotonicNow: monotonic } = world
  const voice = createDaemonLog(engine.log, now)
  const account = createAccountBreaker(engine, {
    voice,
    now,
    onNew: () => sweepNow('new credentials'),
    onReturn: () => rounds.enqueue(looks.retryWaiting()),
  })
  const rounds = createWorkQueue({
    look: (id, last) => looks.checkLineage(id, last),
    onLongPending: voice.longPending,
    onLooked: () => onStatus(status),
    now: monotonic,
    setTimer: timerWith(world),
  })
  const ground = startWatching(engine, world, { rounds, onDeath, metrics })
  const onMissing = () => void ground.list().catch(onDeath)
  const looks = createChecks(engine, world, { ground, account, voice, metrics, onMissing })
  const sweepNow = (why: string) => void ground.sweep(why).catch(onDeath)
  const schedule = createSchedule(engine.settings.watch, () => sweepNow('schedule'))
  const status = () => {
    const counts = { certificates: ground.count(), pending: rounds.pending() }
    return watchLine({ ...counts, nextSweep: schedule.next(), now: now() })
  }
  const close = async () => {
    schedule.stop()
    account.close()
    await drain(engine, world, Promise.all([rounds.stop(), ground.close()]))
  }
  let ending: Promise<void> | undefined
  const end = () => {
    ending ??= close()
    return ending
  }
  return { start: ground.open, sweep: ground.sweep, status, pending: rounds.pending, stop: end }
}

/** setTimeout takes no more than 2³¹ - 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1

const timerWith =
  ({ sleep: wait }: ProcessContext) =>
  (ms: number, ring: () => void) => {
    const calledOff = new AbortController()
    wait(Math.min(ms, MAX_TIMER_MS), calledOff.signal).then(ring, () => {})
    return () => calledOff.abort()
  }

/** Waits for what is under way, and cuts it off when it takes too long: it would go on in a process that is to end. */
export async function drain(
  engine: App,
  { sleep: wait }: Pick<ProcessContext, 'sleep'>,
  underWay: Promise<unknown>,
): Promise<void> {
  const over = new AbortController()
  const cutOff = () => {
    engine.effects.abort(new Fault('INTERRUPTED', 'the daemon ends'))
    engine.herald.abort()
  }
  const late = wait(DRAIN_TIMEOUT_MS, over.signal).then(cutOff, () => {})
  await Promise.race([underWay, late])
  // tells people what is still to be told, and so may be what takes too long
  await engine.close()
  over.abort()
}
