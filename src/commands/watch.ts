/** `certferry watch`: the daemon, from its first signal to its last. */
import { once } from 'node:events'
import type { CommandLine } from '../config/commandLine.ts'
import { createSupervisor } from '../daemon/supervisor.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'

export async function run(context: ProcessContext, line: CommandLine): Promise<number> {
  // now and not with the first upload: by then no file may be free to open, or another version be in its place
  await import('../upload/uploader.ts')
  const death = new AbortController()
  const onDeath = (error: unknown) => death.abort(error)
  const ended = AbortSignal.any([context.shutdown, death.signal])
  const over = ended.aborted ? Promise.resolve() : once(ended, 'abort')
  const supervisor = createSupervisor(context, line, { ended, onDeath })
  // before the first start, which takes a while: without a handler these signals end the process
  context.onSignal('SIGHUP', () => void supervisor.reload().catch(onDeath))
  context.onSignal('SIGUSR1', () => void supervisor.rescan('SIGUSR1').catch(onDeath))
  try {
    await Promise.race([supervisor.reload(), over])
    await over
  } finally {
    await supervisor.shutdown()
  }
  // a daemon that cannot watch must fail, so that systemd starts it again
  if (death.signal.aborted && !context.shutdown.aborted) throw asFault(death.signal.reason)
  return 0
}

/** Only the code of an unexpected error: its text may quote secrets. */
function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  const { code, name } = error as NodeJS.ErrnoException
  return new Fault('INTERNAL_ERROR', `watching failed (${code ?? name})`, { cause: error })
}
