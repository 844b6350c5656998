/** Reads a command's words with the table of its options. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { CommandLine } from '../commands/commandLine.ts'
import { Fault } from '../core/fault.ts'
import type { ProcessContext } from '../world.ts'
import type { Command } from './commandTable.ts'
import type { OptionTable } from './optionTable.ts'

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
    const { message } = error as Error
    throw new Fault('USAGE', `${command.name}: ${message.split('. ', 1)[0]}`, {
      advice: `See \`certferry ${command.name} --help\`.`,
    })
  }
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
