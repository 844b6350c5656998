/** The text of `--help`, in 80 columns. */
import { wrap } from '../terminal/text.ts'
import { type Command, PACKAGED } from './commands.ts'

const WIDTH = 80

const INDENT = 24

export const generalHelp = (
  commands: readonly Command[],
): string => `certferry uploads renewed certificates to Tencent Cloud's SSL service and, with
[deploy] replace, puts them in place of the older ones.

Usage: certferry COMMAND [OPTION]…

${commands.map(({ name, summary }) => wrapHanging(`  ${name}`, summary, 16)).join('\n')}

\`certferry COMMAND --help\` shows a command's options; \`certferry --version\` the
version. Start with \`certferry demo\`, then \`certferry check\`.
In depth: man certferry, and docs/ (of the package: /usr/share/doc/certferry).
`

export function commandHelp(
  { name, summary, operands, options, details }: Command,
  program: string = PACKAGED,
): string {
  const rows = Object.entries(options).map(([option, { takes, short, says }]) => {
    const left = `  ${short ? `-${short}, ` : ''}--${option}${takes ? ` ${takes}` : ''}`
    return wrapHanging(left, says)
  })
  const usage = `Usage: certferry ${name} ${operands}`.trimEnd()
  return [
    `${usage}\n${summary}`,
    ...(rows.length ? [rows.join('\n')] : []),
    details.replaceAll(PACKAGED, program),
  ]
    .join('\n\n')
    .concat('\n')
}

function wrapHanging(left: string, text: string, indent = INDENT): string {
  const first = left.length < indent ? left.padEnd(indent) : `${left}\n${' '.repeat(indent)}`
  return first + wrap(text, WIDTH - indent, indent)
}
