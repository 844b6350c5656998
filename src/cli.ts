/** From the command line's words to a command and its exit code. */
import { COMMANDS, type Command } from './cli/commandTable.ts'
import { commandHelp, generalHelp } from './cli/help.ts'
import { parseCommandLine } from './cli/parse.ts'
import { ADVICE } from './core/advice.ts'
import { wrapped } from './core/columns.ts'
import { Fault } from './core/fault.ts'
import { jsonLine } from './core/jsonLine.ts'
import { faultJson, passJson } from './core/outcome.ts'
import { printable } from './core/printable.ts'
import { startingWords } from './core/shellWord.ts'
import { VERSION } from './version.ts'
import type { World } from './world.ts'

export async function cli(argv: readonly string[], world: World): Promise<number> {
  const [name = '', ...rest] = argv
  const command = named(name)
  if (command)
    return HELP.slice(0, 2).some(word => rest.includes(word))
      ? say(world, commandHelp(command, startingWords(world.program)))
      : carryOut(command, rest, world)
  if (name === '--version' || name === '-V') return say(world, `certferry ${VERSION}\n`)
  if (name === '') return say(world, generalHelp(COMMANDS), 64)
  if (HELP.includes(name)) {
    const topic = named(rest[0])
    return say(world, topic ? commandHelp(topic, startingWords(world.program)) : generalHelp(COMMANDS))
  }
  return complain(new Fault('USAGE', `there is no command "${name}"`), { world, json: false, quiet: false })
}

const HELP: readonly string[] = ['--help', '-h', 'help']

const named = (name: string | undefined) => COMMANDS.find(command => command.name === name)

async function carryOut(command: Command, rest: readonly string[], world: World): Promise<number> {
  const json = rest.includes('--json')
  try {
    const { run } = await command.load()
    if (!command.glances) await world.closeDebugger()
    return await run(world, parseCommandLine(command, rest, world))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return complain(forCommand(error, command), { world, json, quiet: command.onStdout })
  }
}

/** Words that were wrong for a command are explained by that command's help. */
const forCommand = (fault: Fault, { name }: Command) =>
  fault.code === 'USAGE' && fault.advice === ADVICE.USAGE
    ? new Fault('USAGE', fault.message, { advice: `See \`certferry ${name} --help\`.` })
    : fault

interface Listener {
  readonly world: World
  readonly json: boolean
  /** The caller takes anything on standard error for a failure of its own. */
  readonly quiet: boolean
}

/** Says what stopped the command before it could report by itself. */
function complain(fault: Fault, { world, json, quiet }: Listener): number {
  const output = quiet && !json ? world.stdout : world.stderr
  const fit = (text: string, first: string) =>
    `${first}${wrapped(text, output.columns - first.length, first.length)}\n`
  const lines = fault.message.split('\n').map(line => fit(printable(line, 1000), 'certferry: '))
  output.write(`${lines.join('')}${fit(fault.advice, '  → ')}`)
  if (json) world.stdout.write(jsonLine({ ...passJson([]), exit: fault.exit, fault: faultJson(fault) }))
  return fault.exit
}

function say(world: World, text: string, exit = 0): number {
  world.stdout.write(text)
  return exit
}
