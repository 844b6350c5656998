/** Whether a command or script of the shell calls certferry. What it means is not run, only read. Pure. */
import type { Call } from './hookScripts.ts'

export type Program = Pick<Call, 'node' | 'main'>

export type Verb = 'hook' | 'sync'

/** What calls certferry with one of these commands, as it is written there: a path or a name. */
export function callIn(text: string, verbs: readonly Verb[], program: Program): string | undefined {
  for (const words of commandsIn(text)) {
    if (SAYS.has(words[0] ?? '')) continue
    const at = words.findIndex(
      (word, i) => isProgram(word, program) && verbs.some(verb => verb === words[i + 1]),
    )
    if (at >= 0) return words[at]
  }
  return undefined
}

/** Absolute paths that a text starts: what is in them may call certferry in its turn. */
export const pathsIn = (text: string): readonly string[] =>
  commandsIn(text).flatMap(words => words.slice(0, 2).filter(word => word.startsWith('/')))

/** These only say their words. */
const SAYS: ReadonlySet<string> = new Set(['echo', 'printf', 'logger', ':'])

function isProgram(word: string, { node, main }: Program): boolean {
  return word === (main ?? node) || /(^|\/)certferry(\.c?js|\/dist\/main\.js)?$/.test(word)
}

/** Without comments, each command of a line by itself, and its words without quotes. */
function commandsIn(text: string): ReadonlyArray<readonly string[]> {
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map(line => line.replace(/(^|\s)#.*$/, ''))
    .flatMap(line => line.split(/;|&&|\|\||[|&(){}`]/))
    .map(command => command.split(/[\s"'=]+/).filter(Boolean))
}

/** The value of one of acme.sh's settings in a certificate's file, where it stands in quotes or as its base64. */
export function acmeSetting(conf: string, key: string): string | undefined {
  const [, , value] = new RegExp(`^${key}=(['"]?)(.*)\\1\\s*$`, 'm').exec(conf) ?? []
  const [, coded] = /^__ACME_BASE64__START_(.*)__ACME_BASE64__END_$/.exec(value ?? '') ?? []
  return coded === undefined ? value || undefined : Buffer.from(coded, 'base64').toString('utf8')
}

/** The values of a key of certbot's files, which begin with it and an equals sign. */
export const iniValues = (text: string, key: string): readonly string[] =>
  Array.from(
    text.matchAll(new RegExp(`^[ \\t]*${key}[ \\t]*=[ \\t]*(.*?)[ \\t]*$`, 'gm')),
    ([, value = '']) => value,
  )

/** The value that a command line gives to an option, by any of its names. */
export function optionIn(line: string, ...names: readonly string[]): string | undefined {
  const found = new RegExp(`(?:^|\\s)(?:${names.join('|')})(?:\\s+|=)("[^"]*"|'[^']*'|\\S+)`).exec(line)
  return found?.[1]?.replace(/^(["'])(.*)\1$/, '$2')
}

/** Whether a line of cron starts a program of this name. */
export const starts = (line: string, name: string): boolean =>
  commandsIn(line).some(words => words.some(word => word === name || word.endsWith(`/${name}`)))
