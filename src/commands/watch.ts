/** `certferry watch`: the daemon. */
import { once } from 'node:events'
import { Fault } from '../core/fault.ts'
import { sweepProblem } from '../edge/schedule.ts'
import { openNotifier } from '../edge/systemd.ts'
import type { World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { type Engine, openEngine } from './engine.ts'
import { openShift, type Shift } from './shift.ts'
import { openStation, type Station } from './station.ts'

export async function run(world: World, line: CommandLine): Promise<number> {
  const death = new AbortController()
  const station = openStation(world.now)
  let engine = await ready(world, line, station)
  await station.follow(engine)
  const { log } = engine
  const notifier = openNotifier({
    env: world.env,
    pid: world.pid,
    monotonic: world.monotonic,
    onFailure: why => log.warn({ event: 'systemd' }, `systemd could not be told: ${why}`),
  })
  const effects = {
    onStatus: notifier.status,
    onDeath: (error: unknown) => death.abort(deadly(error)),
    metrics: station.metrics,
  }
  let shift = await openShift(engine, world, effects)
  const attend = () => station.attend({ ready: true, pending: shift.pending })
  attend()
  notifier.ready()
  notifier.status(shift.status())
  log.info({ event: 'watching' }, `watching: ${shift.status()}`)

  const reload = async () => {
    notifier.reloading()
    const next = await ready(world, line, station)
      .then(async engine => {
        await station.follow(engine)
        return engine
      })
      .catch(sayInvalid(engine))
    if (next) [engine, shift] = [next, await relieved(shift, () => openShift(next, world, effects))]
    attend()
    notifier.ready()
    notifier.status(shift.status())
    if (next) engine.log.info({ event: 'reloaded' }, `reloaded: ${shift.status()}`)
  }
  let reloading = Promise.resolve()
  world.onSignal('SIGHUP', () => {
    reloading = reloading.then(reload).catch(effects.onDeath)
  })
  world.onSignal('SIGUSR1', () => void shift.sweep('SIGUSR1').catch(effects.onDeath))

  const ended = AbortSignal.any([world.ending, death.signal])
  if (!ended.aborted) await once(ended, 'abort')
  notifier.stopping()
  await reloading
  await shift.end()
  await station.close()
  await notifier.close()
  if (!death.signal.aborted) return 0
  // a daemon that cannot watch must be seen to have failed, or nobody starts it again
  throw death.signal.reason
}

/** An engine whose configuration, schedule and state directory are good. @throws Fault. */
async function ready(world: World, line: CommandLine, station: Station): Promise<Engine> {
  const engine = await openEngine(world, line, new AbortController().signal, station.metrics)
  const problem = sweepProblem(engine.settings.watch.sweep)
  if (problem) throw new Fault('CONFIG_INVALID', `watch.sweep: ${problem}`)
  await engine.receipts.prepare()
  return engine
}

/** What ended the watching, told by its code: its text may quote what it was given. */
const deadly = (error: unknown): Fault =>
  error instanceof Fault
    ? error
    : new Fault(
        'BUG',
        `watching has ended (${(error as NodeJS.ErrnoException).code ?? (error as Error).name})`,
        { cause: error },
      )

const sayInvalid =
  ({ log }: Engine) =>
  (error: unknown) => {
    if (!(error instanceof Fault)) throw error
    for (const message of error.message.split('\n')) {
      log.error(
        { event: 'reload', code: error.code, advice: error.advice },
        `not reloaded, the old configuration stays: ${message}`,
      )
    }
    return undefined
  }

async function relieved(before: Shift, open: () => Promise<Shift>): Promise<Shift> {
  await before.end()
  return open()
}
