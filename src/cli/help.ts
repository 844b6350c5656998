/** The text of `--help`, in 80 columns. */
import { GLOBAL, isGlobal, type OptionTable } from '../config/commandLine.ts'
import { wrap } from '../terminal/text.ts'
import { type Command, GROUPS, PACKAGED } from './commands.ts'

const WIDTH = 80

const INDENT = 24

export const generalHelp = (
  commands: readonly Command[],
): string => `certferry uploads renewed certificates to Tencent Cloud and puts them live.
Usage: certferry COMMAND [OPTION]…

${GROUPS.map(group => groupText(group, commands)).join('\n')}

Begin with \`certferry setup\`; \`certferry demo\` needs no account. Options of a
command: \`certferry help COMMAND\`; of all: \`certferry help options\`.
`

const groupText = (title: string, commands: readonly Command[]) =>
  [
    title,
    ...commands
      .filter(({ group }) => group === title)
      .map(({ name, summary }) => wrapHanging(`  ${name}`, summary, 16)),
  ].join('\n')

export function commandHelp(
  { name, summary, operands, options, details }: Command,
  program: string = PACKAGED,
): string {
  const own = Object.entries(options).filter(([option]) => !isGlobal(option))
  const shared = Object.entries(options).flatMap(([option, { short }]) =>
    isGlobal(option) ? `${short ? `-${short}/` : ''}--${option}` : [],
  )
  const usage = `Usage: certferry ${name} ${operands}`.trimEnd()
  return [
    `${usage}\n${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    ...(own.length ? [optionLines(Object.fromEntries(own))] : []),
    ...(shared.length
      ? [wrapHanging('Global options (see `certferry help options`):', shared.join(' '), 2)]
      : []),
    details.replaceAll(PACKAGED, program),
  ]
    .join('\n\n')
    .concat('\n')
}

/** The options that commands share, explained. */
export const globalHelp = () =>
  `Global options. The help of each command lists those that it takes.\n\n${optionLines(GLOBAL)}\n`

const optionLines = (options: OptionTable) =>
  Object.entries(options)
    .map(([option, { takes, short, says }]) =>
      wrapHanging(`  ${short ? `-${short}, ` : ''}--${option}${takes ? ` ${takes}` : ''}`, says),
    )
    .join('\n')

function wrapHanging(left: string, text: string, indent = INDENT): string {
  const first = left.length < indent ? left.padEnd(indent) : `${left}\n${' '.repeat(indent)}`
  return first + wrap(text, WIDTH - indent, indent)
}
