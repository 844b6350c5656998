/** The channels of `[notify]`, as far as they can be examined without sending anything. */
import { Fault } from '../../core/fault.ts'
import { type Finding, failure, ok } from '../../core/finding.ts'
import { quoteShell } from '../../core/shellWord.ts'
import { commandProblem, webhookFileProblem } from '../../edge/messenger.ts'
import { type Channel, channelsOf } from '../channels.ts'
import type { CheckContext } from './scene.ts'

export const notices = ({ engine, world }: CheckContext): Promise<readonly Finding[]> =>
  Promise.all(channelsOf(engine.settings, world).map(examined))

async function examined({ kind, file }: Channel): Promise<Finding> {
  const problem = await (kind === 'command' ? commandProblem(file) : webhookFileProblem(file))
  if (problem === undefined) return ok('notify', `${kind} ${file}`)
  return failure('notify', new Fault('NOTICE_UNSENT', `${kind}: ${problem}`), {
    advice: 'Correct it, then send a sample with `certferry notify --test`.',
    command: `ls -l ${quoteShell(file)}`,
  })
}
