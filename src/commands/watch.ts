/** `certferry watch`: the daemon, until SIGTERM or SIGINT. */
import { once } from 'node:events'
import type { CommandLine } from '../config/commandLine.ts'
import { asFault, createSupervisor } from '../daemon/supervisor.ts'
import type { ProcessContext } from '../processContext.ts'

export async function run(context: ProcessContext, line: CommandLine): Promise<number> {
  // not with the first upload: by then no file descriptor may be free, or an update may have replaced the file
  await import('../upload/uploader.ts')
  const failure = new AbortController()
  const onFailure = (error: unknown) => failure.abort(error)
  const ended = AbortSignal.any([context.shutdown, failure.signal])
  const over = ended.aborted ? Promise.resolve() : once(ended, 'abort')
  const supervisor = createSupervisor(context, line, { ended, onDeath: onFailure })
  // before the first start: without a handler these signals end the process
  context.onSignal('SIGHUP', () => void supervisor.reload().catch(onFailure))
  context.onSignal('SIGUSR1', () => void supervisor.rescan('SIGUSR1').catch(onFailure))
  try {
    await Promise.race([supervisor.reload(), over])
    await over
  } finally {
    await supervisor.shutdown()
  }
  // systemd restarts a daemon that fails
  if (failure.signal.aborted && !context.shutdown.aborted)
    throw asFault('watching failed', failure.signal.reason)
  return 0
}
