/** From the command line's words to a command and its exit code. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { CommandLine, OptionTable } from '../config/commandLine.ts'
import { camelCase } from '../config/values.ts'
import { FAULTS, Fault, faultJson } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import { jsonLine, printableText, programWords, wrap } from '../terminal/text.ts'
import { runJson } from '../upload/outcome.ts'
import { VERSION } from '../version.ts'
import { COMMANDS, type Command } from './commands.ts'
import { commandHelp, generalHelp } from './help.ts'

/** @throws Fault USAGE for an unknown option, a missing value or a value of the wrong form. */
export function parseCommandLine(command: Command, words: readonly string[], cwd: string): CommandLine {
  const { values, positionals } = parse(command, words)
  if (positionals.length && !/^\w|WORD|^\[NAME\]/.test(command.operands))
    throw new Fault('USAGE', `${command.name} takes no operand "${positionals[0]}"`)
  const line: Record<string, unknown> = { json: false, operands: positionals }
  for (const [name, value] of Object.entries(values)) {
    const option = command.options[name]
    if (!option || value === undefined) continue
    const read = (text: string | boolean) => {
      // from an unset variable of a script; as a path it would be the working directory
      if (text === '') throw new Fault('USAGE', `--${name}: expected ${option.takes}, not an empty word`)
      return option.read && typeof text === 'string' ? option.read(text, cwd) : text
    }
    line[camelCase(name)] = Array.isArray(value) ? value.map(read) : read(value)
  }
  return line as unknown as CommandLine
}

function parse({ name, options }: Command, words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: parseArgsOptions(options), allowPositionals: true })
  } catch (error) {
    const old = Object.keys(RENAMED).find(option => words.some(word => word.split('=', 1)[0] === option))
    const message = old ? `${old} is now called ${RENAMED[old]}` : (error as Error).message.split('. ', 1)[0]
    throw new Fault('USAGE', `${name}: ${message}`, { advice: seeHelp(name) })
  }
}

/** Former names of options. */
const RENAMED: Readonly<Record<string, string>> = {
  '--misbehave': '--inject-faults',
  '--no-test': '--skip-check',
}

const parseArgsOptions = (options: OptionTable): NonNullable<ParseArgsConfig['options']> =>
  Object.fromEntries(
    Object.entries(options).map(([name, { takes, short, many = false }]) => [
      name,
      { type: takes ? ('string' as const) : ('boolean' as const), multiple: many, ...(short && { short }) },
    ]),
  )

export async function cli(argv: readonly string[], context: ProcessContext): Promise<number> {
  const [name = '', ...rest] = argv
  const print = (text: string, exit = 0) => {
    context.stdout.write(text)
    return exit
  }
  const help = (command: Command) => commandHelp(command, programWords(context.program))
  const command = findCommand(name)
  if (command)
    return rest.includes('--help') || rest.includes('-h')
      ? print(help(command))
      : runCommand(command, rest, context)
  if (name === '--version' || name === '-V') return print(`certferry ${VERSION}\n`)
  if (name === '') return print(generalHelp(COMMANDS), 64)
  if (['--help', '-h', 'help'].includes(name)) {
    const topic = findCommand(rest[0])
    return print(topic ? help(topic) : generalHelp(COMMANDS))
  }
  return printFault(new Fault('USAGE', `there is no command "${name}"`), context)
}

const findCommand = (name: string | undefined) => COMMANDS.find(command => command.name === name)

async function runCommand(
  command: Command,
  words: readonly string[],
  context: ProcessContext,
): Promise<number> {
  try {
    const { run } = await command.load()
    return await run(context, parseCommandLine(command, words, context.cwd))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const json = words.includes('--json')
    return printFault(withCommandHelp(error, command), context, { json, toStdout: command.errorsToStdout })
  }
}

const seeHelp = (command: string) => `See \`certferry ${command} --help\`.`

const withCommandHelp = (fault: Fault, { name }: Command) =>
  fault.code === 'USAGE' && fault.advice === FAULTS.USAGE.advice
    ? new Fault('USAGE', fault.message, { advice: seeHelp(name) })
    : fault

/** Prints the fault that ended a command. */
function printFault(
  fault: Fault,
  { stdout, stderr }: ProcessContext,
  { json = false, toStdout = false } = {},
): number {
  const output = toStdout && !json ? stdout : stderr
  const hanging = (first: string, text: string) =>
    `${first}${wrap(text, output.columns - first.length, first.length)}\n`
  const lines = fault.message.split('\n').map(line => hanging('certferry: ', printableText(line, 1000)))
  output.write(`${lines.join('')}${hanging('  → ', fault.advice)}`)
  if (json) stdout.write(jsonLine({ ...runJson([]), exit: fault.exit, fault: faultJson(fault) }))
  return fault.exit
}
