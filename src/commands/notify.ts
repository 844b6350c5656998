/** `certferry notify --test`: a sample by every channel of `[notify]`, and what came of it. */
import { hostname } from 'node:os'
import { Fault, mostSevere } from '../core/fault.ts'
import { jsonLine } from '../core/jsonLine.ts'
import { sampleLetter } from '../core/letter.ts'
import { faultJson } from '../core/outcome.ts'
import { printable } from '../core/printable.ts'
import type { World } from '../world.ts'
import { type Channel, channelsOf } from './channels.ts'
import type { CommandLine } from './commandLine.ts'
import { endOf } from './engine.ts'
import { settingsInForce } from './settings.ts'

interface Tried extends Channel {
  readonly fault: Fault | undefined
}

export async function run(world: World, line: CommandLine): Promise<number> {
  if (!line.test) throw new Fault('USAGE', 'notify needs --test')
  const { settings } = await settingsInForce(world, line)
  const channels = channelsOf(settings, world)
  if (!channels.length)
    throw new Fault('CONFIG_INVALID', 'there is no channel to test', {
      advice: 'Set command or webhook_file of [notify]; docs/notifications.md has examples.',
    })
  const signal = endOf(world)
  const sample = sampleLetter(hostname())
  const tried = await Promise.all(
    channels.map(async channel => ({
      ...channel,
      fault: await channel.send(sample, signal).then(() => undefined, asFault),
    })),
  )
  const exit = mostSevere(tried.map(({ fault }) => fault?.exit ?? 0))
  world.stdout.write(line.json ? jsonLine({ channels: tried.map(jsonOf), exit }) : tried.map(textOf).join(''))
  return exit
}

const textOf = ({ kind, file, fault }: Tried) =>
  fault
    ? `${kind} ${printable(file)}: failed: ${printable(fault.message)}\n  → ${fault.advice}\n`
    : `${kind} ${printable(file)}: sent\n`

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
