/** `certferry notify --test`: a sample by every channel of `[notify]`, and what came of it. */
import { hostname } from 'node:os'
import { Fault, mostSevereExitCode } from '../core/fault.ts'
import { jsonLine } from '../core/jsonLine.ts'
import { sampleLetter } from '../core/letter.ts'
import { faultJson } from '../core/outcome.ts'
import { printableText } from '../core/printable.ts'
import type { ProcessContext } from '../world.ts'
import { type Channel, channelsOf } from './channels.ts'
import type { CommandLine } from './commandLine.ts'
import { shutdownSignal } from './engine.ts'
import { loadSettings } from './settings.ts'

interface Tried extends Channel {
  readonly fault: Fault | undefined
}

export async function run(world: ProcessContext, line: CommandLine): Promise<number> {
  if (!line.test) throw new Fault('USAGE', 'notify needs --test')
  const { settings } = await loadSettings(world, line)
  const channels = channelsOf(settings, world)
  if (!channels.length)
    throw new Fault('CONFIG_INVALID', 'there is no channel to test', {
      advice: 'Set command or webhook_file of [notify]; docs/notifications.md has examples.',
    })
  const signal = shutdownSignal(world)
  const sample = sampleLetter(hostname())
  const tried = await Promise.all(
    channels.map(async channel => ({
      ...channel,
      fault: await channel.send(sample, signal).then(() => undefined, asFault),
    })),
  )
  const exit = mostSevereExitCode(tried.map(({ fault }) => fault?.exit ?? 0))
  world.stdout.write(line.json ? jsonLine({ channels: tried.map(jsonOf), exit }) : tried.map(textOf).join(''))
  return exit
}

const textOf = ({ kind, file, fault }: Tried) =>
  fault
    ? `${kind} ${printableText(file)}: failed: ${printableText(fault.message)}\n  → ${fault.advice}\n`
    : `${kind} ${printableText(file)}: sent\n`

const jsonOf = ({ kind, file, fault }: Tried) => ({
  channel: kind,
  file,
  outcome: fault ? 'failed' : 'sent',
  ...(fault && { fault: faultJson(fault) }),
})

function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  throw error
}
