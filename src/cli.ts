/** From the command line's words to a command and its exit code. */
import { commandHelp, generalHelp } from './commands/help.ts'
import { parseCommandLine } from './commands/options.ts'
import type { Command } from './commands/table.ts'
import { COMMANDS } from './commands/table.ts'
import { Fault } from './core/fault.ts'
import { faultJson, passJson } from './core/outcome.ts'
import { printable } from './core/printable.ts'
import { VERSION } from './version.ts'
import type { World } from './world.ts'

export async function cli(argv: readonly string[], world: World): Promise<number> {
  const [name = '', ...rest] = argv
  if (name === '--version' || name === '-V') return say(world, `certferry ${VERSION}\n`)
  if (name === '' || name === '--help' || name === '-h' || name === 'help') {
    return say(
      world,
      COMMANDS.find(command => command.name === rest[0]) ? helpFor(rest[0]) : generalHelp(COMMANDS),
      name === '' ? 64 : 0,
    )
  }
  const command = COMMANDS.find(one => one.name === name)
  if (!command)
    return complain(new Fault('USAGE', `there is no command "${name}"`), { world, json: false, quiet: false })
  if (rest.includes('--help') || rest.includes('-h')) return say(world, commandHelp(command))
  return carryOut(command, rest, world)
}

const helpFor = (name = '') => {
  const command = COMMANDS.find(one => one.name === name)
  return command ? commandHelp(command) : generalHelp(COMMANDS)
}

async function carryOut(command: Command, rest: readonly string[], world: World): Promise<number> {
  const json = rest.includes('--json')
  try {
    const { run } = await command.load()
    return await run(world, parseCommandLine(command, rest, world))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return complain(error, { world, json, quiet: command.onStdout })
  }
}

interface Listener {
  readonly world: World
  readonly json: boolean
  /** The caller takes anything on standard error for a failure of its own. */
  readonly quiet: boolean
}

/** Says what stopped the command before it could report by itself. */
function complain(fault: Fault, { world, json, quiet }: Listener): number {
  const lines = fault.message.split('\n').map(line => `certferry: ${printable(line, 1000)}\n`)
  const output = quiet && !json ? world.stdout : world.stderr
  output.write(`${lines.join('')}  → ${fault.advice}\n`)
  if (json)
    world.stdout.write(`${JSON.stringify({ ...passJson([]), exit: fault.exit, fault: faultJson(fault) })}\n`)
  return fault.exit
}

function say(world: World, text: string, exit = 0): number {
  world.stdout.write(text)
  return exit
}
