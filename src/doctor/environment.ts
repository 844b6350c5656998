/** The state directory: there, writable, with room, and what is in it. It is looked at and left as it is. */
import { Fault } from '../errors.ts'
import type { User } from '../files/permissions.ts'
import { probeDirectory, type WriteProbe } from '../files/writeProbe.ts'
import { type Channel, channelsOf, commandProblem, webhookFileProblem } from '../notify/channels.ts'
import { quoteShell } from '../terminal/text.ts'
import { type Finding, failure, ok, warning } from './finding.ts'
import type { CheckContext } from './run.ts'

export async function configuration({ configuration }: CheckContext): Promise<readonly Finding[]> {
  const { file, complaints } = configuration
  if (!complaints.length) return [ok('configuration', file ?? 'no file: environment, options and defaults')]
  return complaints.map(({ text, line, advice, code = 'CONFIG_INVALID' }) => {
    const fault = new Fault(code, text, advice === undefined ? {} : { advice })
    return line === undefined || file === undefined
      ? failure('configuration', fault)
      : failure('configuration', fault, { command: `sudo editor +${line} ${quoteShell(file)}` })
  })
}

export const notices = ({ engine, world }: CheckContext): Promise<readonly Finding[]> =>
  Promise.all(channelsOf(engine.settings, world).map(examined))

async function examined({ kind, file }: Channel): Promise<Finding> {
  const problem = await (kind === 'command' ? commandProblem(file) : webhookFileProblem(file))
  if (problem === undefined) return ok('notify', `${kind} ${file}`)
  return failure('notify', new Fault('NOTIFICATION_FAILED', `${kind}: ${problem}`), {
    advice: 'Correct it, then send a sample with `certferry notify --test`.',
    command: `ls -l ${quoteShell(file)}`,
  })
}

export async function runtime({ world, machine }: CheckContext): Promise<readonly Finding[]> {
  const { node, main } = world.program
  const { name, uid } = machine.user()
  const whose =
    main === undefined ? `in ${node}` : node.includes('/node_modules/') ? 'installed beside certferry' : node
  return [
    ok(
      'runtime',
      `Node ${world.nodeVersion}, ${whose}; running as ${name}${uid === 0 ? '' : ` (uid ${uid})`}`,
    ),
  ]
}

export async function state({ engine, machine }: CheckContext): Promise<readonly Finding[]> {
  const { settings, receipts } = engine
  const dir = settings.stateDir
  const room = await probeDirectory(dir)
  if (room.refusal !== undefined) return [unwritable(dir, room, machine.user())]
  if (!room.there) return [ok('state', `${dir} will be created by the first upload`)]
  const known = (await receipts.all()).length
  const says = `${dir}, ${known} receipt${known === 1 ? '' : 's'}`
  const [unreadable, ...more] = receipts.unreadable()
  if (unreadable === undefined) return [ok('state', says)]
  const others = more.length ? ` and ${more.length} more` : ''
  return [
    warning('state', `${says}; ${unreadable}${others} cannot be read`, {
      advice: 'No action needed: the next upload sets it aside and gets the same certificate ID.',
    }),
  ]
}

function unwritable(dir: string, { refusal, nearest, there }: WriteProbe, { name, uid }: User): Finding {
  const where = there ? dir : `${dir}, to be created in ${nearest}`
  const fault = new Fault('STATE_DIR_UNUSABLE', `${where}: ${name} cannot write there (${refusal})`)
  const { advice } = fault
  if (refusal === 'ENOSPC' || refusal === 'EDQUOT')
    return failure('state', fault, {
      advice: 'Free space on its disk, or choose another directory with --state-dir.',
      command: `df -h ${quoteShell(nearest)}`,
    })
  if (refusal === 'EACCES' && uid !== 0)
    return failure('state', fault, { advice, command: 'sudo certferry check' })
  return failure('state', fault, { advice, command: `findmnt -T ${quoteShell(nearest)}` })
}
