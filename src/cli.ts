/** From the command line's words to a command and its exit code. */
import { COMMANDS, type Command } from './cli/commandTable.ts'
import { commandHelp, generalHelp } from './cli/help.ts'
import { parseCommandLine } from './cli/parse.ts'
import { ADVICE } from './core/advice.ts'
import { wrap } from './core/columns.ts'
import { Fault } from './core/fault.ts'
import { jsonLine } from './core/jsonLine.ts'
import { faultJson, passJson } from './core/outcome.ts'
import { printableText } from './core/printable.ts'
import { programWords } from './core/shellWord.ts'
import { VERSION } from './version.ts'
import type { ProcessContext } from './world.ts'

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
    if (!command.glances) await world.closeDebugger()
    return await run(world, parseCommandLine(command, rest, world))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return printFault(withCommandHelp(error, command), { world, json, quiet: command.errorsToStdout })
  }
}

/** Words that were wrong for a command are explained by that command's help. */
const withCommandHelp = (fault: Fault, { name }: Command) =>
  fault.code === 'USAGE' && fault.advice === ADVICE.USAGE
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
