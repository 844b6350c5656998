/** The daemon under one configuration: what makes a certificate due, the check itself, and how the daemon ends. */
import type { App } from '../app.ts'
import { Fault } from '../errors.ts'
import type { Metrics } from '../metrics/registry.ts'
import type { ProcessContext } from '../processContext.ts'
import type { Pause } from '../receipts/pause.ts'
import type { DaemonView } from '../status/view.ts'
import { countText } from '../terminal/text.ts'
import type { Outcome } from '../upload/outcome.ts'
import { type SyncDeps, syncCertificate } from '../upload/syncCertificate.ts'
import { DRAIN_TIMEOUT_MS } from '../util/schedule.ts'
import { createCircuitBreaker } from './circuitBreaker.ts'
import { createDaemonLog } from './log.ts'
import { createReplacements } from './replacements.ts'
import { createSchedule } from './rescan.ts'
import { watchSources } from './sourceWatching.ts'
import { type CheckResult, createWorkQueue, requeueAfter } from './workQueue.ts'

export interface Daemon {
  /** Resolves when every source is watched, and the certificates that are there have been listed. */
  readonly start: () => Promise<void>
  /** Checks everything, whether or not an event reported a change. */
  readonly rescan: (why: string) => Promise<void>
  /** One line for `systemctl status` and the log. */
  readonly status: () => string
  readonly pending: () => number
  readonly view: () => DaemonView
  /** At any time, and more than once: starts nothing more, finishes what is under way in bounded time, and closes. */
  readonly stop: () => Promise<void>
}

export interface DaemonDeps {
  /** What `status` says may have changed. */
  readonly onStatus: (status: () => string) => void
  /** Watching has failed: the daemon would miss changes, and must end. */
  readonly onDeath: (error: unknown) => void
  readonly metrics: () => Metrics | undefined
}

export function createDaemon(
  app: App,
  context: ProcessContext,
  { onStatus, onDeath, metrics }: DaemonDeps,
): Daemon {
  const { settings, effects, receipts, notifier, renewUploader, credentialsMark } = app
  const { now, monotonicNow } = context
  const options = { force: false, dryRun: false, endpoint: settings.endpoint.hostname }
  const log = createDaemonLog(app.log, now)
  /** Certificates that wait for their next attempt. */
  const waiting = new Set<string>()
  /** Those of them that are retried now, because the service answers again. */
  const retryNow = new Set<string>()
  /** Those that were uploaded, but whose ID could not be recorded. */
  const unrecorded = new Set<string>()
  /** For the status page: of those whose last check found something to say. */
  const outcomes = new Map<string, Outcome>()

  const breaker = createCircuitBreaker({
    upload: effects.upload,
    renewUploader,
    credentialsMark,
    log: {
      ...log,
      paused: (fault, until) => {
        log.paused(fault, until)
        const { message, advice } = fault
        keepPause({ since: new Date(now()).toISOString(), until: until.toISOString(), message, advice })
      },
      resumed: () => {
        log.resumed()
        keepPause(undefined)
      },
    },
    now,
    onNewCredentials: () => rescanNow('new credentials'),
    onRecovery: retryWaiting,
  })
  const queue = createWorkQueue({
    check,
    onStale: log.longPending,
    onChecked: () => onStatus(status),
    now: monotonicNow,
    setTimer: timerWith(context),
  })
  const replacements = createReplacements({
    lineage: id => sources.get(id),
    openReplacer: ending => app.replacer({ ending, request: breaker.request }),
    openUntil: breaker.openUntil,
    ...{ log: app.log, now, monotonicNow, setTimer: timerWith(context) },
  })
  const sources = watchSources(app, context, { queue, onDeath, metrics })
  const schedule = createSchedule(settings, () => rescanNow('schedule'))
  let stopping: Promise<void> | undefined

  /** For `status`. Where it cannot be written the log has said it, and a state directory that is full is reported elsewhere. */
  function keepPause(pause: Pause | undefined): void {
    receipts.recordPause(pause).catch(() => {})
    onStatus(status)
  }

  function rescanNow(why: string): void {
    sources.rescan(why).catch(onDeath)
  }

  function retryWaiting(): void {
    for (const id of waiting) retryNow.add(id)
    queue.enqueue([...waiting])
  }

  async function check(id: string, last: boolean): Promise<CheckResult> {
    const lineage = await sources.markChecked(id)
    if (!lineage) return 'done'
    const outcome = await syncCertificate(
      lineage,
      { ...effects, upload },
      { ...options, honourBackoff: !retryNow.delete(id), last },
    )
    remember(outcome)
    log.outcome(outcome)
    notifier.outcome(outcome)
    replacements.checked(outcome)
    const result = requeueAfter(outcome, now(), breaker.openUntil())
    // until the last check, half a renewal is no result
    if (last || result !== 'mid-change') metrics()?.outcome(outcome)
    // its files were missing in every check: perhaps it was deleted
    if (last && faultCode(outcome) === 'PAIR_INCOMPLETE') sources.list().catch(onDeath)
    return result
  }

  /** A certificate whose ID could not be recorded is not sent again while the disk is still full. */
  async function upload(...[bundle, lineage]: Parameters<SyncDeps['upload']>) {
    if (unrecorded.has(lineage.id)) await receipts.prepare()
    return breaker.upload(bundle, lineage)
  }

  function remember(outcome: Outcome): void {
    const id = outcome.lineage
    if (faultCode(outcome) === 'UPLOAD_NOT_RECORDED') unrecorded.add(id)
    else if (!('fault' in outcome)) unrecorded.delete(id)
    if (isWaiting(outcome)) waiting.add(id)
    else waiting.delete(id)
    if ('fault' in outcome || outcome.outcome === 'waiting' || outcome.bundle?.flaws.length)
      outcomes.set(id, outcome)
    else outcomes.delete(id)
  }

  const status = () =>
    statusLine({
      certificates: sources.count(),
      pending: queue.pending(),
      paused: pausedText(),
      nextRescan: schedule.next(),
      now: now(),
    })

  function pausedText(): string | undefined {
    const until = breaker.openUntil()
    return until === undefined
      ? undefined
      : `uploads paused until ${clockText(until, now())}: ${breaker.reason()}`
  }

  /** Of this process or of one that was killed: the next begins without one. */
  async function endPause(): Promise<void> {
    if (await receipts.pause().catch(() => undefined)) await receipts.recordPause(undefined).catch(() => {})
  }

  async function close(): Promise<void> {
    schedule.stop()
    breaker.close()
    await drain(app, context, Promise.all([queue.stop(), replacements.stop(), sources.close()]))
    await endPause()
  }

  return {
    start: async () => {
      await endPause()
      await sources.open()
    },
    rescan: sources.rescan,
    status,
    pending: queue.pending,
    view: () => ({
      lineages: sources.all(),
      outcomes,
      sources: sources.watched(),
      pending: queue.pending(),
      nextRescan: schedule.next(),
    }),
    stop: () => {
      stopping ??= close()
      return stopping
    },
  }
}

const faultCode = (outcome: Outcome) => (outcome.outcome === 'failed' ? outcome.fault.code : undefined)

const isWaiting = (outcome: Outcome) =>
  outcome.outcome === 'waiting' ||
  (outcome.outcome === 'failed' && outcome.fault.retry === 'backoff' && outcome.fault.scope !== 'account')

/** setTimeout takes no more than 2³¹ - 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1

const timerWith =
  ({ sleep }: ProcessContext) =>
  (ms: number, call: () => void) => {
    const cancelled = new AbortController()
    sleep(Math.min(ms, MAX_TIMER_MS), cancelled.signal).then(call, () => {})
    return () => cancelled.abort()
  }

/** Waits for what is under way, and aborts it when that takes too long. */
export async function drain(
  app: App,
  { sleep }: Pick<ProcessContext, 'sleep'>,
  underWay: Promise<unknown>,
): Promise<void> {
  const closed = new AbortController()
  const abort = () => {
    app.effects.abort(new Fault('INTERRUPTED', 'the daemon ends'))
    app.notifier.abort()
  }
  const timeout = sleep(DRAIN_TIMEOUT_MS, closed.signal).then(abort, () => {})
  await Promise.race([underWay, timeout])
  // sends the notifications that are left, which may itself take too long
  await app.close()
  closed.abort()
}

const DAY = 86_400_000

interface Status {
  readonly certificates: number
  readonly pending: number
  readonly paused?: string | undefined
  readonly nextRescan: Date | null
  /** Milliseconds since 1970. */
  readonly now: number
}

/** In local time, as systemctl shows times; with the day unless it is within the next one. */
export function statusLine({ certificates, pending, paused, nextRescan, now }: Status): string {
  const parts = [countText(certificates, 'certificate'), `${pending} pending`]
  if (nextRescan) parts.push(`next rescan ${clockText(nextRescan.getTime(), now)}`)
  return [...(paused === undefined ? [] : [paused]), parts.join(', ')].join('; ')
}

function clockText(time: number, now: number): string {
  const at = new Date(time)
  const day = time - now < DAY ? '' : `${at.toDateString().slice(0, 10)} `
  return `${day}${at.toTimeString().slice(0, 5)}`
}
