/** From the command line's words to a command and its exit code. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { CommandLine } from '../config/commandLine.ts'
import { FAULTS, Fault, faultJson } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import { jsonLine, printableText, programWords, wrap } from '../terminal/text.ts'
import { passJson } from '../upload/outcome.ts'
import { VERSION } from '../version.ts'
import { COMMANDS, type Command } from './commands.ts'
import { commandHelp, generalHelp } from './help.ts'
import type { OptionTable } from './options.ts'

/** @throws Fault USAGE for an unknown option, a missing value or a value of the wrong form. */
export function parseCommandLine(
  command: Command,
  words: readonly string[],
  { cwd }: ProcessContext,
): CommandLine {
  const { values, positionals } = parse(command, words)
  if (positionals.length && !/^\w|WORD/.test(command.operands))
    throw new Fault('USAGE', `${command.name} takes no operand "${positionals[0]}"`)
  const line: Record<string, unknown> = { json: false, operands: positionals }
  for (const [name, value] of Object.entries(values)) {
    const option = command.options[name]
    if (!option || value === undefined) continue
    const read = (text: string | boolean) => {
      // a variable of a script that was never set: as a path it would be the working directory
      if (text === '') throw new Fault('USAGE', `--${name}: expected ${option.takes}, not an empty word`)
      return option.read && typeof text === 'string' ? option.read(text, cwd) : text
    }
    line[option.as] = Array.isArray(value) ? value.map(read) : read(value)
  }
  return line as unknown as CommandLine
}

function parse(command: Command, words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: optionShapes(command.options),
      allowPositionals: true,
      strict: true,
    })
  } catch (error) {
    const old = Object.keys(RENAMED).find(name => words.some(word => word.split('=', 1)[0] === name))
    const message = old ? `${old} is now called ${RENAMED[old]}` : (error as Error).message.split('. ', 1)[0]
    throw new Fault('USAGE', `${command.name}: ${message}`, {
      advice: `See \`certferry ${command.name} --help\`.`,
    })
  }
}

/** Former names of options. */
const RENAMED: Readonly<Record<string, string>> = {
  '--misbehave': '--inject-faults',
  '--no-test': '--skip-check',
}

const optionShapes = (options: OptionTable): NonNullable<ParseArgsConfig['options']> =>
  Object.fromEntries(
    Object.entries(options).map(([name, { takes, short, many }]) => [
      name,
      {
        type: takes ? ('string' as const) : ('boolean' as const),
        ...(short && { short }),
        ...(many && { multiple: true }),
      },
    ]),
  )

export async function cli(argv: readonly string[], world: ProcessContext): Promise<number> {
  const [name = '', ...rest] = argv
  const command = findCommand(name)
  if (command)
    return HELP.slice(0, 2).some(word => rest.includes(word))
      ? print(world, commandHelp(command, programWords(world.program)))
      : runCommand(command, rest, world)
  if (name === '--version' || name === '-V') return print(world, `certferry ${VERSION}\n`)
  if (name === '') return print(world, generalHelp(COMMANDS), 64)
  if (HELP.includes(name)) {
    const topic = findCommand(rest[0])
    return print(world, topic ? commandHelp(topic, programWords(world.program)) : generalHelp(COMMANDS))
  }
  return printFault(new Fault('USAGE', `there is no command "${name}"`), { world, json: false, quiet: false })
}

const HELP: readonly string[] = ['--help', '-h', 'help']

const findCommand = (name: string | undefined) => COMMANDS.find(command => command.name === name)

async function runCommand(command: Command, rest: readonly string[], world: ProcessContext): Promise<number> {
  const json = rest.includes('--json')
  try {
    const { run } = await command.load()
    return await run(world, parseCommandLine(command, rest, world))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return printFault(withCommandHelp(error, command), { world, json, quiet: command.errorsToStdout })
  }
}

/** Words that were wrong for a command are explained by that command's help. */
const withCommandHelp = (fault: Fault, { name }: Command) =>
  fault.code === 'USAGE' && fault.advice === FAULTS.USAGE.advice
    ? new Fault('USAGE', fault.message, { advice: `See \`certferry ${name} --help\`.` })
    : fault

interface OutputTarget {
  readonly world: ProcessContext
  readonly json: boolean
  /** The caller takes anything on standard error for a failure of its own. */
  readonly quiet: boolean
}

/** Says what stopped the command before it could report by itself. */
function printFault(fault: Fault, { world, json, quiet }: OutputTarget): number {
  const output = quiet && !json ? world.stdout : world.stderr
  const fit = (text: string, first: string) =>
    `${first}${wrap(text, output.columns - first.length, first.length)}\n`
  const lines = fault.message.split('\n').map(line => fit(printableText(line, 1000), 'certferry: '))
  output.write(`${lines.join('')}${fit(fault.advice, '  → ')}`)
  if (json) world.stdout.write(jsonLine({ ...passJson([]), exit: fault.exit, fault: faultJson(fault) }))
  return fault.exit
}

function print(world: ProcessContext, text: string, exit = 0): number {
  world.stdout.write(text)
  return exit
}
