/** The daemon under one configuration: the rounds, what nudges them, and how they end. */
import { Fault } from '../core/fault.ts'
import { watchLine } from '../core/watchLine.ts'
import type { Metrics } from '../edge/metrics.ts'
import { createSchedule } from '../edge/schedule.ts'
import { createWorkQueue } from '../rounds.ts'
import type { ProcessContext } from '../world.ts'
import { createAccountBreaker } from './account.ts'
import type { App } from './engine.ts'
import { startWatching } from './ground.ts'
import { createChecks } from './looks.ts'
import { createDaemonLog } from './voice.ts'

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
