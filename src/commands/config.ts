/** `certferry config print|check`: shows the configuration in force, or what is wrong with it. */
import type { CommandLine } from '../config/commandLine.ts'
import { type Configuration, readConfiguration, throwIfInvalid } from '../config/load.ts'
import { SETTINGS } from '../config/precedence.ts'
import { configJson, configToml, type EffectiveConfig, effectiveRows } from '../config/print.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import { existingSources } from '../sources/discover.ts'
import { jsonLine } from '../terminal/text.ts'
import { meant } from '../util/similar.ts'

export async function run(context: ProcessContext, line: CommandLine): Promise<number> {
  const [word, ...more] = line.operands
  if ((word !== 'print' && word !== 'check') || more.length)
    throw new Fault(
      'USAGE',
      `config needs one word, print or check${more.length ? '' : meant(word ?? '', ['print', 'check'])}`,
    )
  const configuration = await readConfiguration(context, line)
  throwIfInvalid(configuration)
  const { file } = configuration
  if (word === 'print') context.stdout.write(await configText(configuration, context, line))
  else if (line.json) context.stdout.write(jsonLine({ file: file ?? null, exit: 0 }))
  else if (!line.quiet) context.stdout.write(`${file ?? 'no configuration file'}: no problems\n`)
  return 0
}

async function configText(
  configuration: Configuration,
  context: ProcessContext,
  line: CommandLine,
): Promise<string> {
  const { config, settings } = configuration
  const elsewhere = await sourcesElsewhere(configuration, context, line)
  const rows = effectiveRows({ options: line, env: context.env, config, elsewhere }).map(row =>
    // with its path absolute
    row.path === SETTINGS.stateDir.path ? { ...row, value: settings.stateDir } : row,
  )
  return line.json
    ? jsonLine({ ...configJson(rows, configuration), exit: 0 })
    : configToml(rows, configuration)
}

async function sourcesElsewhere(
  { settings, config }: Configuration,
  { home }: ProcessContext,
  { source }: CommandLine,
): Promise<EffectiveConfig['elsewhere']> {
  if (source?.length) return { sources: source, origin: { from: 'option', name: '--source' } }
  if (config.source?.length || settings.sources.length) return undefined
  return { sources: existingSources(home), origin: { from: 'default' } }
}
