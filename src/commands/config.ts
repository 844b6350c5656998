/** `certferry config print|check`: what is in force and where it comes from, or what is wrong with it. */
import type { CommandLine } from '../config/commandLine.ts'
import { type Configuration, readConfiguration, throwIfInvalid } from '../config/load.ts'
import { SETTINGS } from '../config/precedence.ts'
import { configJson, configToml, type EffectiveConfig, effectiveRows } from '../config/print.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import { existingDefaultSources } from '../sources/discover.ts'
import { jsonLine } from '../terminal/text.ts'

export async function run(world: ProcessContext, line: CommandLine): Promise<number> {
  const [word, ...more] = line.operands
  if ((word !== 'print' && word !== 'check') || more.length)
    throw new Fault('USAGE', 'config needs one word, print or check')
  const configuration = await readConfiguration(world, line)
  throwIfInvalid(configuration)
  world.stdout.write(
    word === 'check' ? approval(configuration, line) : await printed(configuration, world, line),
  )
  return 0
}

const approval = ({ file }: Configuration, { json }: CommandLine) =>
  json ? jsonLine({ file: file ?? null, exit: 0 }) : `${file ?? 'no configuration file'}: no problems\n`

async function printed(
  configuration: Configuration,
  world: ProcessContext,
  line: CommandLine,
): Promise<string> {
  const { config, settings } = configuration
  const elsewhere = await sourcesElsewhere(configuration, world, line)
  const rows = effectiveRows({ options: line, env: world.env, config, elsewhere }).map(row =>
    row.path.join('.') === SETTINGS.stateDir.path.join('.') ? { ...row, value: settings.stateDir } : row,
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
  return { sources: await existingDefaultSources(home), origin: { from: 'default' } }
}
