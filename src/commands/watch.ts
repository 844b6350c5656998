/** `certferry watch`: the daemon, from its first signal to its last. */
import { once } from 'node:events'
import { Fault } from '../core/fault.ts'
import type { World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { openGuard } from './guard.ts'

export async function run(world: World, line: CommandLine): Promise<number> {
  // at once, not with the first upload: by then there may be no file left to open, or another version in its place
  await import('../edge/uploader.ts')
  const death = new AbortController()
  const onDeath = (error: unknown) => death.abort(error)
  const ended = AbortSignal.any([world.ending, death.signal])
  const over = ended.aborted ? Promise.resolve() : once(ended, 'abort')
  const guard = openGuard(world, line, { ended, onDeath })
  // before the first shift, which takes its time: they end a process that does not know them
  world.onSignal('SIGHUP', () => void guard.relieve().catch(onDeath))
  world.onSignal('SIGUSR1', () => void guard.sweep('SIGUSR1').catch(onDeath))
  try {
    await Promise.race([guard.relieve(), over])
    await over
  } finally {
    await guard.end()
  }
  // a daemon that cannot watch must be seen to have failed, or nobody starts it again
  if (death.signal.aborted && !world.ending.aborted) throw deadly(death.signal.reason)
  return 0
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
