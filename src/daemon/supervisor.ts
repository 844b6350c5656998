/** The daemon's shifts, one after another: the first at the start, and each valid reload relieves the one before. */
import { type App, logInsecurePermissions, openApp } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { scheduleProblem } from '../config/load.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import { createServiceNotifier } from '../systemd/notify.ts'
import { singleFlight } from '../util/async.ts'
import { createDaemon, type Daemon, type DaemonDeps, drain } from './daemon.ts'
import { createHealthServer, type HealthServer } from './healthServer.ts'
import { logHiddenSources } from './sourceWatching.ts'

interface Supervisor {
  /** Begins a shift under the configuration as it is now. @throws Fault where the first cannot begin. */
  readonly reload: () => Promise<void>
  readonly sweep: (why: string) => Promise<void>
  /** At any time, while a shift begins too: finishes what is under way, in bounded time. */
  readonly shutdown: () => Promise<void>
}

interface SupervisorDeps {
  /** Aborted when no further shift is to begin. */
  readonly ended: AbortSignal
  readonly onDeath: DaemonDeps['onDeath']
}

export function createSupervisor(
  world: ProcessContext,
  line: CommandLine,
  { ended, onDeath }: SupervisorDeps,
): Supervisor {
  let engine: App | undefined
  let shift: Daemon | undefined
  const station = createHealthServer(world.now)
  const { env, pid, monotonicNow: monotonic } = world
  const onFailure = (why: string) =>
    engine?.log.warn({ event: 'systemd' }, `systemd could not be told: ${why}`)
  const notifier = createServiceNotifier({ env, pid, monotonic, onFailure })
  const effects = { onStatus: notifier.status, onDeath, metrics: station.metrics }

  const begin = async (next: App) => {
    await shift?.stop()
    if (ended.aborted) return
    engine = next
    shift = createDaemon(next, world, effects)
    await shift.start()
  }
  // however many signals: one after this one, for the configuration may have been read before it was changed
  const relieve = singleFlight(async () => {
    if (ended.aborted) return
    const before = engine
    if (before) notifier.reloading()
    const next = await prepareDaemon(world, line, { station, isFirst: !before }).catch(unlessFirst(before))
    if (next) await begin(next)
    if (ended.aborted || !shift) return
    station.setStatus({ ready: true, pending: shift.pending })
    notifier.ready()
    notifier.status(shift.status)
    const event = before ? 'reloaded' : 'watching'
    next?.log.info({ event }, `${event}: ${shift.status()}`)
    if (before && next) await logHiddenSources(next, world)
  })
  return {
    reload: relieve,
    sweep: async why => {
      await shift?.sweep(why)
      if (engine) await logHiddenSources(engine, world)
    },
    shutdown: async () => {
      notifier.stopping()
      await Promise.all([shift?.stop(), station.close(), notifier.close()])
    },
  }
}

/** An engine whose configuration, schedule, state directory and page are good. @throws Fault. */
async function prepareDaemon(
  world: ProcessContext,
  line: CommandLine,
  { station, isFirst }: { readonly station: HealthServer; readonly isFirst: boolean },
): Promise<App> {
  const engine = await openApp(world, line, new AbortController().signal, station.metrics)
  const problem = scheduleProblem(engine.settings.watch.rescan)
  if (problem) throw new Fault('CONFIG_INVALID', `watch.rescan: ${problem}`)
  await engine.receipts.prepare().catch(async error => {
    // a reload that fails stops nothing: the shift before it goes on
    if (isFirst && error instanceof Fault) {
      engine.herald.stopped(error)
      await drain(engine, world, Promise.resolve())
    }
    throw error
  })
  logInsecurePermissions(engine)
  await station.applyConfig(engine)
  return engine
}

/** Without a shift there is nothing to fall back on. With one, whatever is wrong with the next leaves it as it is. */
const unlessFirst = (before: App | undefined) => (thrown: unknown) => {
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
  return new Fault('INTERNAL_ERROR', `unexpected: ${code ?? name}`, { cause: error })
}
