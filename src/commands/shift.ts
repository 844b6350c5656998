/** The daemon under one configuration: the rounds, what nudges them, and how they end. */
import { Fault } from '../core/fault.ts'
import { watchLine } from '../core/watchLine.ts'
import type { Metrics } from '../edge/metrics.ts'
import { openSchedule } from '../edge/schedule.ts'
import { openRounds } from '../rounds.ts'
import type { World } from '../world.ts'
import { openAccount } from './account.ts'
import type { Engine } from './engine.ts'
import { openGround } from './ground.ts'
import { openLooks } from './looks.ts'
import { openVoice } from './voice.ts'

export interface Shift {
  /** Resolves when every source is watched, and what is there has been listed. */
  readonly begin: () => Promise<void>
  /** Looks at everything, whether or not anything was heard of it. */
  readonly sweep: (why: string) => Promise<void>
  /** One line for whoever asks how it is. */
  readonly status: () => string
  readonly pending: () => number
  /** At any time, and as often as one likes: begins nothing more, finishes what is under way within `FINISH`, and closes. */
  readonly end: () => Promise<void>
}

export interface ShiftEffects {
  /** Something may have changed in what `status` says. */
  readonly onStatus: (status: () => string) => void
  /** Watching has died: the daemon is blind and must end. */
  readonly onDeath: (error: unknown) => void
  readonly metrics: () => Metrics | undefined
}

/** systemd and a person wait this long for uploads under way. In milliseconds. */
const FINISH = 10_000

export function openShift(engine: Engine, world: World, { onStatus, onDeath, metrics }: ShiftEffects): Shift {
  const { now, monotonic } = world
  const voice = openVoice(engine.log, now)
  const account = openAccount(engine, {
    voice,
    now,
    onNew: () => sweepNow('new credentials'),
    onReturn: () => rounds.nudge(looks.hurry()),
  })
  const rounds = openRounds({
    look: (id, last) => looks.look(id, last),
    onLongPending: voice.longPending,
    onLooked: () => onStatus(status),
    now: monotonic,
    alarm: alarmBy(world),
  })
  const ground = openGround(engine, world, { rounds, onDeath, metrics })
  const onMissing = () => void ground.list().catch(onDeath)
  const looks = openLooks(engine, world, { ground, account, voice, metrics, onMissing })
  const sweepNow = (why: string) => void ground.sweep(why).catch(onDeath)
  const schedule = openSchedule(engine.settings.watch, () => sweepNow('schedule'))
  const status = () => {
    const counts = { certificates: ground.count(), pending: rounds.pending() }
    return watchLine({ ...counts, nextSweep: schedule.next(), now: now() })
  }
  const close = async () => {
    schedule.stop()
    account.close()
    await finished(engine, world, Promise.all([rounds.stop(), ground.close()]))
  }
  let ending: Promise<void> | undefined
  const end = () => {
    ending ??= close()
    return ending
  }
  return { begin: ground.open, sweep: ground.sweep, status, pending: rounds.pending, end }
}

/** setTimeout takes no more than 2³¹ - 1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1

const alarmBy =
  ({ wait }: World) =>
  (ms: number, ring: () => void) => {
    const calledOff = new AbortController()
    wait(Math.min(ms, LONGEST_TIMER), calledOff.signal).then(ring, () => {})
    return () => calledOff.abort()
  }

/** Waits for what is under way, and cuts it off when it takes too long: it would go on in a process that is to end. */
export async function finished(
  engine: Engine,
  { wait }: Pick<World, 'wait'>,
  underWay: Promise<unknown>,
): Promise<void> {
  const over = new AbortController()
  const cutOff = () => {
    engine.effects.halt(new Fault('INTERRUPTED', 'the daemon ends'))
    engine.herald.giveUp()
  }
  const late = wait(FINISH, over.signal).then(cutOff, () => {})
  await Promise.race([underWay, late])
  // tells people what is still to be told, and so may be what takes too long
  await engine.close()
  over.abort()
}
