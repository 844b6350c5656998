/** The daemon's shifts, one after another: the first at the start, and each valid reload relieves the one before. */
import { coalesced } from '../core/coalesced.ts'
import { Fault } from '../core/fault.ts'
import { sweepProblem } from '../edge/schedule.ts'
import { openNotifier } from '../edge/systemd.ts'
import type { World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { type Engine, openEngine, warnOfExposures } from './engine.ts'
import { finished, openShift, type Shift, type ShiftEffects } from './shift.ts'
import { openStation, type Station } from './station.ts'

export interface Guard {
  /** Begins a shift under the configuration as it is now. @throws Fault where the first cannot begin. */
  readonly relieve: () => Promise<void>
  readonly sweep: (why: string) => Promise<void>
  /** At any time, while a shift begins too: finishes what is under way, in bounded time. */
  readonly end: () => Promise<void>
}

export interface GuardEffects {
  /** Aborted when no further shift is to begin. */
  readonly ended: AbortSignal
  readonly onDeath: ShiftEffects['onDeath']
}

export function openGuard(world: World, line: CommandLine, { ended, onDeath }: GuardEffects): Guard {
  let engine: Engine | undefined
  let shift: Shift | undefined
  const station = openStation(world.now)
  const { env, pid, monotonic } = world
  const onFailure = (why: string) =>
    engine?.log.warn({ event: 'systemd' }, `systemd could not be told: ${why}`)
  const notifier = openNotifier({ env, pid, monotonic, onFailure })
  const effects = { onStatus: notifier.status, onDeath, metrics: station.metrics }

  const begin = async (next: Engine) => {
    await shift?.end()
    if (ended.aborted) return
    engine = next
    shift = openShift(next, world, effects)
    await shift.begin()
  }
  // however many signals: one after this one, for the configuration may have been read before it was changed
  const relieve = coalesced(async () => {
    if (ended.aborted) return
    const before = engine
    if (before) notifier.reloading()
    const next = await prepared(world, line, { station, isFirst: !before }).catch(unlessFirst(before))
    if (next) await begin(next)
    if (ended.aborted || !shift) return
    station.attend({ ready: true, pending: shift.pending })
    notifier.ready()
    notifier.status(shift.status)
    const event = before ? 'reloaded' : 'watching'
    next?.log.info({ event }, `${event}: ${shift.status()}`)
  })
  return {
    relieve,
    sweep: async why => shift?.sweep(why),
    end: async () => {
      notifier.stopping()
      await Promise.all([shift?.end(), station.close(), notifier.close()])
    },
  }
}

/** An engine whose configuration, schedule, state directory and page are good. @throws Fault. */
async function prepared(
  world: World,
  line: CommandLine,
  { station, isFirst }: { readonly station: Station; readonly isFirst: boolean },
): Promise<Engine> {
  const engine = await openEngine(world, line, new AbortController().signal, station.metrics)
  const problem = sweepProblem(engine.settings.watch.sweep)
  if (problem) throw new Fault('CONFIG_INVALID', `watch.sweep: ${problem}`)
  await engine.receipts.prepare().catch(async error => {
    // a reload that fails stops nothing: the shift before it goes on
    if (isFirst && error instanceof Fault) {
      engine.herald.stopped(error)
      await finished(engine, world, Promise.resolve())
    }
    throw error
  })
  warnOfExposures(engine)
  await station.follow(engine)
  return engine
}

/** Without a shift there is nothing to fall back on. With one, whatever is wrong with the next leaves it as it is. */
const unlessFirst = (before: Engine | undefined) => (thrown: unknown) => {
  if (!before) throw thrown
  const error = asFault(thrown)
  for (const message of error.message.split('\n')) {
    before.log.error(
      { event: 'reload', code: error.code, advice: error.advice },
      `not reloaded, the old configuration stays: ${message}`,
    )
  }
  return undefined
}

/** Told by its code: the text of what is not a fault may quote what it was given. */
function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  const { code, name } = error as NodeJS.ErrnoException
  return new Fault('BUG', `unexpected: ${code ?? name}`, { cause: error })
}
