/** `certferry notify --test`: sends a sample by every channel of `[notify]`, and prints the results. */
import { hostname } from 'node:os'
import { shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { loadSettings } from '../config/load.ts'
import { Fault, faultJson, mostSevereExitCode } from '../errors.ts'
import { type Channel, channelsOf } from '../notify/channels.ts'
import { sampleMessage } from '../notify/message.ts'
import type { ProcessContext } from '../processContext.ts'
import { jsonLine, printableText } from '../terminal/text.ts'

interface Result extends Channel {
  readonly fault: Fault | undefined
}

export async function run(context: ProcessContext, line: CommandLine): Promise<number> {
  if (!line.test) throw new Fault('USAGE', 'notify needs --test')
  const { settings } = await loadSettings(context, line)
  const channels = channelsOf(settings, context)
  if (!channels.length)
    throw new Fault('CONFIG_INVALID', 'no notification channel is configured', {
      advice: 'Set mail, webhook_file or command of [notify]; docs/monitoring.md has examples.',
    })
  const signal = shutdownSignal(context)
  const sample = sampleMessage(hostname())
  const results = await Promise.all(
    channels.map(async channel => ({
      ...channel,
      fault: await channel.send(sample, signal).then(() => undefined, asFault),
    })),
  )
  const exit = mostSevereExitCode(results.map(({ fault }) => fault?.exit ?? 0))
  context.stdout.write(
    line.json
      ? jsonLine({ channels: results.map(jsonOf), exit })
      : results
          .filter(({ fault }) => fault || !line.quiet)
          .map(textOf)
          .join(''),
  )
  return exit
}

const textOf = ({ name, fault }: Result) =>
  fault
    ? `${printableText(name)}: failed: ${printableText(fault.message)}\n  → ${fault.advice}\n`
    : `${printableText(name)}: sent\n`

const jsonOf = ({ kind, file, fault }: Result) => ({
  channel: kind,
  file,
  outcome: fault ? 'failed' : 'sent',
  ...(fault && { fault: faultJson(fault) }),
})

function asFault(error: unknown): Fault {
  if (!(error instanceof Fault)) throw error
  return error
}
