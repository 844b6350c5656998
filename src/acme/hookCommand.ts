/** Finds calls of certferry in shell commands, cron lines, files of ACME clients and systemd units, without running them. Pure. */
import { CLIENTS } from './clients.ts'
import type { Program } from './hookScripts.ts'

export type Verb = 'hook' | 'sync'

/** The path or name by which a shell text starts certferry with one of these commands. */
export function callIn(text: string, verbs: readonly Verb[], { node, main }: Program): string | undefined {
  const isCall = (word: string, next: string | undefined) =>
    verbs.some(verb => verb === next) &&
    (word === (main ?? node) || /(^|\/)certferry(\.c?js|\/dist\/main\.js)?$/.test(word))
  for (const words of commandsIn(text)) {
    if (PRINTING.has(words[0] ?? '')) continue
    const program = words.find((word, i) => isCall(word, words[i + 1]))
    if (program !== undefined) return program
  }
  return undefined
}

/** Commands that only print their arguments. */
const PRINTING: ReadonlySet<string> = new Set(['echo', 'printf', 'logger', ':'])

/** Absolute paths that a shell text starts: scripts that may call certferry. */
export const pathsIn = (text: string): readonly string[] =>
  commandsIn(text).flatMap(words => words.slice(0, 2).filter(word => word.startsWith('/')))

/** Whether a cron line starts a program of this name. */
export const starts = (line: string, name: string): boolean =>
  commandsIn(line).some(words => words.some(word => word === name || word.endsWith(`/${name}`)))

/** The commands of a shell text, each as its words without quotes; comments are removed. */
const commandsIn = (text: string): ReadonlyArray<readonly string[]> =>
  text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map(line => line.replace(/(^|\s)#.*$/, ''))
    .flatMap(line => line.split(/;|&&|\|\||[|&(){}`]/))
    .map(command => command.split(/[\s"'=]+/).filter(Boolean))

/** The value of a setting in acme.sh's file, where it is quoted or encoded as base64. */
export function acmeSetting(conf: string, key: string): string | undefined {
  const value = new RegExp(`^${key}=(['"]?)(.*)\\1\\s*$`, 'm').exec(conf)?.[2]
  const coded = /^__ACME_BASE64__START_(.*)__ACME_BASE64__END_$/.exec(value ?? '')?.[1]
  return coded === undefined ? value || undefined : Buffer.from(coded, 'base64').toString('utf8')
}

/** The values of a key in certbot's ini files. */
export const iniValues = (text: string, key: string): readonly string[] =>
  Array.from(
    text.matchAll(new RegExp(`^[ \\t]*${key}[ \\t]*=[ \\t]*(.*?)[ \\t]*$`, 'gm')),
    ([, value = '']) => value,
  )

/** The value of an option on a command line, under any of its names. */
export function optionIn(line: string, ...names: readonly string[]): string | undefined {
  const found = new RegExp(`(?:^|\\s)(?:${names.join('|')})(?:\\s+|=)("[^"]*"|'[^']*'|\\S+)`).exec(line)
  return found?.[1]?.replace(/^(["'])(.*)\1$/, '$2')
}

/** The units that start certbot: Debian's, Fedora's and the snap's. */
const CERTBOT_UNITS = ['certbot', 'certbot-renew', 'snap.certbot.renew']

const SYNC_UNIT = 'certferry-sync.service'

/** Arguments of systemctl. */
export const CERTBOT_UNITS_QUERY: readonly string[] = [
  'show',
  ...CERTBOT_UNITS.flatMap(name => [`${name}.service`, `${name}.timer`]),
  SYNC_UNIT,
  '--property=Id,LoadState,ActiveState,ExecStart,ExecStartPost,ExecStopPost',
]

export interface TimedCall {
  readonly unit: string
  /** The program it starts; undefined if it starts certferry-sync.service. */
  readonly program: string | undefined
  /** The --config-dir of the certificates it applies to; undefined if it applies to all. */
  readonly config?: string | undefined
}

/** Calls of certferry by units whose timer is active, from the output of `systemctl show`. */
export function timedCalls(shown: string, program: Program): readonly TimedCall[] {
  // a property that is set several times, as ExecStart may be, has a line for each
  const units = shown
    .split(/\n\n+/)
    .map(text => Map.groupBy(text.matchAll(/^(\w+)=(.*)$/gm), ([, key = '']) => key))
  const valuesOf = (id: string, key: string) => {
    const unit = units.find(unit => unit.get('Id')?.[0]?.[2] === id)
    return (unit?.get(key) ?? []).map(([, , value = '']) => value)
  }
  const hasSync = valuesOf(SYNC_UNIT, 'LoadState').includes('loaded')
  return CERTBOT_UNITS.filter(name => valuesOf(`${name}.timer`, 'ActiveState').includes('active')).flatMap(
    name => {
      const unit = `${name}.service`
      const lines = ['ExecStart', 'ExecStartPost', 'ExecStopPost'].flatMap(key => valuesOf(unit, key))
      const commands = lines.flatMap(line => [...line.matchAll(/argv\[\]=(.*?) ; /g)])
      const calls = commands.flatMap(([, argv = '']) => timedCall(argv, hasSync, program) ?? [])
      return calls.map(call => ({ ...call, unit }))
    },
  )
}

/** systemctl shows the arguments without their quotes. */
function timedCall(argv: string, hasSync: boolean, program: Program): Omit<TimedCall, 'unit'> | undefined {
  if (/systemctl\b.*\bstart\b.*\bcertferry-sync\.service/.test(argv))
    return hasSync ? { program: undefined } : undefined
  const sync = callIn(argv, ['sync'], program)
  if (sync !== undefined) return { program: sync }
  const hook = /\s--(deploy|renew)-hook[= ]/.test(argv) ? callIn(argv, ['hook'], program) : undefined
  if (hook === undefined) return undefined
  return { program: hook, config: optionIn(argv, '--config-dir') ?? CLIENTS.certbot.directory('') }
}
