/** `certferry watch`: the daemon, from its first signal to its last. */
import { once } from 'node:events'
import type { CommandLine } from '../config/commandLine.ts'
import { createSupervisor } from '../daemon/supervisor.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'

export async function run(world: ProcessContext, line: CommandLine): Promise<number> {
  // at once, not with the first upload: by then there may be no file left to open, or another version in its place
  await import('../upload/uploader.ts')
  const death = new AbortController()
  const onDeath = (error: unknown) => death.abort(error)
  const ended = AbortSignal.any([world.shutdown, death.signal])
  const over = ended.aborted ? Promise.resolve() : once(ended, 'abort')
  const guard = createSupervisor(world, line, { ended, onDeath })
  // before the first shift, which takes its time: they end a process that does not know them
  world.onSignal('SIGHUP', () => void guard.reload().catch(onDeath))
  world.onSignal('SIGUSR1', () => void guard.sweep('SIGUSR1').catch(onDeath))
  try {
    await Promise.race([guard.reload(), over])
    await over
  } finally {
    await guard.shutdown()
  }
  // a daemon that cannot watch must be seen to have failed, or nobody starts it again
  if (death.signal.aborted && !world.shutdown.aborted) throw deadly(death.signal.reason)
  return 0
}

/** What ended the watching, told by its code: its text may quote what it was given. */
const deadly = (error: unknown): Fault =>
  error instanceof Fault
    ? error
    : new Fault(
        'INTERNAL_ERROR',
        `watching has ended (${(error as NodeJS.ErrnoException).code ?? (error as Error).name})`,
        { cause: error },
      )
