/** Finds calls of certferry in shell commands, cron lines, files of ACME clients and systemd units, without running them. Pure. */
import { CLIENTS } from './clients.ts'
import type { Call } from './hookScripts.ts'

export type Program = Pick<Call, 'node' | 'main'>

export type Verb = 'hook' | 'sync'

/** The path or name by which a shell text starts certferry with one of these commands. */
export function callIn(text: string, verbs: readonly Verb[], program: Program): string | undefined {
  for (const words of commandsIn(text)) {
    if (PRINTING.has(words[0] ?? '')) continue
    const at = words.findIndex(
      (word, i) => isProgram(word, program) && verbs.some(verb => verb === words[i + 1]),
    )
    if (at >= 0) return words[at]
  }
  return undefined
}

/** Absolute paths that a shell text starts: scripts that may call certferry. */
export const pathsIn = (text: string): readonly string[] =>
  commandsIn(text).flatMap(words => words.slice(0, 2).filter(word => word.startsWith('/')))

/** Commands that only print their arguments. */
const PRINTING: ReadonlySet<string> = new Set(['echo', 'printf', 'logger', ':'])

function isProgram(word: string, { node, main }: Program): boolean {
  return word === (main ?? node) || /(^|\/)certferry(\.c?js|\/dist\/main\.js)?$/.test(word)
}

/** The commands of a shell text, each as its words without quotes; comments are removed. */
function commandsIn(text: string): ReadonlyArray<readonly string[]> {
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map(line => line.replace(/(^|\s)#.*$/, ''))
    .flatMap(line => line.split(/;|&&|\|\||[|&(){}`]/))
    .map(command => command.split(/[\s"'=]+/).filter(Boolean))
}

/** The value of a setting in acme.sh's file, where it is quoted or encoded as base64. */
export function acmeSetting(conf: string, key: string): string | undefined {
  const [, , value] = new RegExp(`^${key}=(['"]?)(.*)\\1\\s*$`, 'm').exec(conf) ?? []
  const [, coded] = /^__ACME_BASE64__START_(.*)__ACME_BASE64__END_$/.exec(value ?? '') ?? []
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

/** Whether a cron line starts a program of this name. */
export const starts = (line: string, name: string): boolean =>
  commandsIn(line).some(words => words.some(word => word === name || word.endsWith(`/${name}`)))

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
  const units = shown.split(/\n\n+/).map(unitProperties)
  const unit = (id: string) => units.find(one => one.get('Id') === id)
  return CERTBOT_UNITS.flatMap(name => {
    const service = unit(`${name}.service`)
    if (!service || unit(`${name}.timer`)?.get('ActiveState') !== 'active') return []
    return ['ExecStart', 'ExecStartPost', 'ExecStopPost'].flatMap(key =>
      Array.from((service.get(key) ?? '').matchAll(/argv\[\]=(.*?) ; /g), ([, argv = '']) => argv).flatMap(
        argv =>
          callOf(argv, unit(SYNC_UNIT)?.get('LoadState') === 'loaded', program).map(call => ({
            ...call,
            unit: `${name}.service`,
          })),
      ),
    )
  })
}

/** A property that is set several times, as ExecStart may be, has a line for each. */
function unitProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>()
  for (const [, key = '', value = ''] of text.matchAll(/^(\w+)=(.*)$/gm))
    properties.set(key, `${properties.get(key) ?? ''}${value}`)
  return properties
}

/** systemctl shows the arguments without their quotes. */
function callOf(
  argv: string,
  isInstalled: boolean,
  program: Program,
): ReadonlyArray<Omit<TimedCall, 'unit'>> {
  if (/systemctl\b.*\bstart\b.*\bcertferry-sync\.service/.test(argv))
    return isInstalled ? [{ program: undefined }] : []
  const sync = callIn(argv, ['sync'], program)
  if (sync !== undefined) return [{ program: sync }]
  const hook = /\s--(deploy|renew)-hook[= ]/.test(argv) ? callIn(argv, ['hook'], program) : undefined
  if (hook === undefined) return []
  return [{ program: hook, config: optionIn(argv, '--config-dir') ?? CLIENTS.certbot.directory('') }]
}
