/** Starts the daemon and, on SIGHUP, replaces it with one built from the new configuration. */
import { type App, logInsecurePermissions, openApp } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { scheduleProblem } from '../config/schedule.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import { createServiceNotifier } from '../systemd/notify.ts'
import { singleFlight } from '../util/async.ts'
import { createDaemon, type Daemon, type DaemonDeps, drain } from './daemon.ts'
import { createHealthServer, type HealthServer } from './healthServer.ts'
import { logHiddenSources } from './sourceWatching.ts'

interface Supervisor {
  /** Starts a daemon with the configuration as it is now, in place of the one that runs. @throws Fault at the first start. */
  readonly reload: () => Promise<void>
  readonly rescan: (why: string) => Promise<void>
  /** At any time, also during a reload: finishes what is under way, in bounded time. */
  readonly shutdown: () => Promise<void>
}

interface SupervisorDeps {
  /** Aborted when no further daemon is to start. */
  readonly ended: AbortSignal
  readonly onDeath: DaemonDeps['onDeath']
}

export function createSupervisor(
  context: ProcessContext,
  line: CommandLine,
  { ended, onDeath }: SupervisorDeps,
): Supervisor {
  let app: App | undefined
  let daemon: Daemon | undefined
  const server = createHealthServer(context.now)
  const { env, pid, monotonicNow: monotonic } = context
  const onFailure = (why: string) => app?.log.warn({ event: 'systemd' }, `systemd-notify failed: ${why}`)
  const systemd = createServiceNotifier({ env, pid, monotonic, onFailure })

  async function start(next: App): Promise<void> {
    await daemon?.stop()
    if (ended.aborted) return
    app = next
    daemon = createDaemon(next, context, { onStatus: systemd.status, onDeath, metrics: server.metrics })
    await daemon.start()
  }

  async function reload(): Promise<void> {
    if (ended.aborted) return
    const before = app
    if (before) systemd.reloading()
    const next = await prepareApp(context, line, server, !before).catch(error =>
      logReloadFailure(before, error),
    )
    if (next) await start(next)
    if (ended.aborted || !daemon) return
    if (app) server.setDaemon(app, daemon)
    systemd.ready()
    systemd.status(daemon.status)
    const event = before ? 'reloaded' : 'watching'
    next?.log.info({ event }, `${event}: ${daemon.status()}`)
    if (before && next) await logHiddenSources(next, context)
  }

  return {
    // however many signals arrive, one reload follows this one: the configuration may have changed after it was read
    reload: singleFlight(reload),
    rescan: async why => {
      await daemon?.rescan(why)
      if (app) await logHiddenSources(app, context)
    },
    shutdown: async () => {
      systemd.stopping()
      await Promise.all([daemon?.stop(), server.close(), systemd.close()])
    },
  }
}

/** An app whose configuration, schedule, state directory and HTTP address are good. @throws Fault. */
async function prepareApp(
  context: ProcessContext,
  line: CommandLine,
  server: HealthServer,
  isFirst: boolean,
): Promise<App> {
  const app = await openApp(context, line, new AbortController().signal, server.metrics)
  const problem = scheduleProblem(app.settings.rescan)
  if (problem) throw new Fault('CONFIG_INVALID', `watch.rescan: ${problem}`)
  try {
    await app.receipts.prepare()
  } catch (error) {
    // a reload that fails stops nothing: the daemon before it goes on
    if (isFirst && error instanceof Fault) {
      app.notifier.stopped(error)
      await drain(app, context, Promise.resolve())
    }
    throw error
  }
  logInsecurePermissions(app)
  await server.applyConfig(app)
  return app
}

/** A failed reload leaves the running daemon as it is. @throws the error at the first start, when none runs. */
function logReloadFailure(before: App | undefined, thrown: unknown): undefined {
  if (!before) throw thrown
  const error = asFault('unexpected error', thrown)
  for (const message of error.message.split('\n')) {
    before.log.error(
      { event: 'reload', code: error.code, advice: error.advice },
      `not reloaded, the old configuration stays: ${message}`,
    )
  }
}

/** Only the code of an unexpected error: its text may quote secrets. */
export function asFault(what: string, error: unknown): Fault {
  if (error instanceof Fault) return error
  const { code, name } = error as NodeJS.ErrnoException
  return new Fault('INTERNAL_ERROR', `${what} (${code ?? name})`, { cause: error })
}
