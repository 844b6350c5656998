/** The state directory: there, writable, with room, and what is in it. It is looked at and left as it is. */
import { Fault } from '../../core/fault.ts'
import { type Finding, failure, ok, warning } from '../../core/finding.ts'
import { quoteShell } from '../../core/shellWord.ts'
import { probeDirectory, type WriteProbe } from '../../edge/stateRoom.ts'
import type { User } from '../../edge/user.ts'
import type { CheckContext } from './scene.ts'

export async function state({ engine, machine }: CheckContext): Promise<readonly Finding[]> {
  const { settings, receipts } = engine
  const dir = settings.stateDir
  const room = await probeDirectory(dir)
  if (room.refusal !== undefined) return [unwritable(dir, room, machine.user())]
  if (!room.there) return [ok('state', `${dir} is made with the first upload`)]
  const [known, files] = [(await receipts.all()).length, room.receipts]
  const says = `${dir}, ${known} receipt${known === 1 ? '' : 's'}`
  return files > known
    ? [
        warning('state', `${says} and ${files - known} that cannot be read`, {
          advice: 'Nothing to do: the next upload sets it aside and learns its certificate ID again.',
        }),
      ]
    : [ok('state', says)]
}

function unwritable(dir: string, { refusal, nearest, there }: WriteProbe, { name, uid }: User): Finding {
  const where = there ? dir : `${dir}, to be made in ${nearest}`
  const fault = new Fault('STATE_UNUSABLE', `${where}: ${name} cannot write there (${refusal})`)
  const { advice } = fault
  if (refusal === 'ENOSPC' || refusal === 'EDQUOT')
    return failure('state', fault, {
      advice: 'Make room on its disk, or name another with --state-dir.',
      command: `df -h ${quoteShell(nearest)}`,
    })
  if (refusal === 'EACCES' && uid !== 0)
    return failure('state', fault, { advice, command: 'sudo certferry check' })
  return failure('state', fault, { advice, command: `findmnt -T ${quoteShell(nearest)}` })
}
