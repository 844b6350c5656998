/** The daemon under one configuration: the rounds, what nudges them, and what a look is. */
import type { Ending } from '../core/agenda.ts'
import { Fault } from '../core/fault.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Metrics } from '../edge/metrics.ts'
import { openSchedule } from '../edge/schedule.ts'
import { openRounds } from '../rounds.ts'
import { sync } from '../sync.ts'
import type { World } from '../world.ts'
import type { Engine } from './engine.ts'
import { openGate } from './gate.ts'
import { openGround } from './ground.ts'
import { openVigil } from './vigil.ts'
import { openVoice } from './voice.ts'

export interface Shift {
  /** Looks at everything, whether or not anything was heard of it. */
  readonly sweep: (why: string) => Promise<void>
  /** One line for whoever asks how it is. */
  readonly status: () => string
  readonly pending: () => number
  /** Begins nothing more, finishes what is under way within `FINISH`, and closes. */
  readonly end: () => Promise<void>
}

export interface ShiftEffects {
  readonly onStatus: (text: string) => void
  /** Watching has died: the daemon is blind and must end. */
  readonly onDeath: (error: unknown) => void
  readonly metrics: () => Metrics | undefined
}

/** systemd and a person wait this long for uploads under way. In milliseconds. */
const FINISH = 10_000

export async function openShift(
  engine: Engine,
  world: World,
  { onStatus, onDeath, metrics }: ShiftEffects,
): Promise<Shift> {
  const { settings, log, effects, renewUploader } = engine
  const voice = openVoice(log, world.now)
  const gate = openGate({
    upload: effects.upload,
    renew: renewUploader,
    now: world.now,
    onPause: (fault, until) => {
      vigil.begin()
      voice.paused(fault, until)
    },
    onSilence: voice.silent,
    onReturn: () => {
      voice.heard()
      for (const id of waiting) eager.add(id)
      rounds.nudge(waiting)
    },
  })
  const vigil = openVigil({
    mark: engine.credentialsMark,
    resting: () => gate.closedUntil() !== undefined,
    onNew: () => {
      voice.resumed()
      gate.lift()
      ground.sweep('new credentials').catch(onDeath)
    },
  })
  const wishes = { force: false, dryRun: false, endpoint: settings.endpoint.hostname }
  /** Lineages whose next attempt is a while off, for the last one did not get through; and those to wait no longer. */
  const waiting = new Set<string>()
  const eager = new Set<string>()

  const look = async (id: string, last: boolean): Promise<Ending> => {
    const patient = !eager.delete(id)
    const lineage = await ground.visit(id)
    if (!lineage) return 'done'
    const outcome = await sync(lineage, { ...effects, upload: gate.upload }, { ...wishes, patient, last })
    if (isWaiting(outcome)) waiting.add(id)
    else waiting.delete(id)
    voice.tell(outcome)
    engine.herald.tell(outcome)
    // half of a renewal is no outcome yet
    if (last || endingOf(outcome) !== 'mid-change') metrics()?.outcome(outcome)
    if (last && isMissing(outcome)) ground.list().catch(onDeath)
    return endingOf(outcome)
  }
  /** A time of the wall clock as a time of the rounds' clock. */
  const until = (time: number): Ending => ({ until: world.monotonic() + Math.max(0, time - world.now()) })
  const endingOf = (outcome: Outcome): Ending => {
    if (outcome.outcome === 'waiting') return until(outcome.until.getTime())
    if (outcome.outcome !== 'failed') return 'done'
    if (outcome.fault.retry === 'soon') return 'mid-change'
    if (outcome.fault.scope === 'account') return until(gate.closedUntil() ?? world.now() + 60_000)
    if (outcome.fault.retry !== 'later') return 'done'
    // of an upload the receipt names the next attempt: another look finds it there and waits
    return until(world.now() + (outcome.bundle ? 1_000 : UNREADABLE))
  }

  const rounds = openRounds({
    look,
    onLongPending: voice.longPending,
    onLooked: () => onStatus(status()),
    now: world.monotonic,
    alarm: (ms, ring) => {
      const calledOff = new AbortController()
      world.wait(Math.min(ms, LONGEST_TIMER), calledOff.signal).then(ring, () => {})
      return () => calledOff.abort()
    },
  })
  const ground = openGround(engine, world, { rounds, onDeath, metrics })
  const schedule = openSchedule(settings.watch.sweep, settings.watch.jitterSeconds, () => {
    ground.sweep('schedule').catch(onDeath)
  })
  const status = () => {
    const [known, pending, next] = [ground.count(), rounds.pending(), schedule.next()]
    const sweep = next ? `, next sweep ${next.toTimeString().slice(0, 5)}` : ''
    return `${known} certificate${known === 1 ? '' : 's'}, ${pending} pending${sweep}`
  }
  await ground.open()
  return {
    sweep: ground.sweep,
    status,
    pending: () => rounds.pending(),
    end: async () => {
      schedule.stop()
      vigil.end()
      await ground.close()
      const over = new AbortController()
      const bound = world.wait(FINISH, over.signal).then(
        () => 'late',
        () => 'over',
      )
      const how = await Promise.race([rounds.stop(), bound])
      over.abort()
      // what is still under way would go on trying in a process that is to end
      if (how === 'late') effects.halt(new Fault('INTERRUPTED', 'the daemon ends'))
      await engine.close()
    },
  }
}

/** Files that cannot be read have no receipt that names a time; their rights may be mended without any event. */
const UNREADABLE = 60_000

/** setTimeout takes no more than 2³¹ - 1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1

const isMissing = (outcome: Outcome) =>
  outcome.outcome === 'failed' && outcome.fault instanceof Fault && outcome.fault.code === 'PAIR_INCOMPLETE'

const isWaiting = (outcome: Outcome) =>
  outcome.outcome === 'waiting' ||
  (outcome.outcome === 'failed' && outcome.fault.retry === 'later' && outcome.fault.scope !== 'account')
