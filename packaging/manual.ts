/** The man pages, made of what the program says of itself: the command table and the configuration's schema. Pure. */
import type { ConfigTable } from '../config/reference.ts'
import { type Command, GROUPS } from '../src/cli/commands.ts'
import { GLOBAL, isGlobal, type OptionTable } from '../src/config/commandLine.ts'
import { item, page, paragraph, section, subsection, verbatim } from './roff.ts'

export interface ManualSources {
  readonly version: string
  readonly date: Date
  readonly commands: readonly Command[]
  readonly tables: readonly ConfigTable[]
  /** Each exit code with its meaning and what to do. */
  readonly exits: readonly ExitRow[]
}

export interface ExitRow {
  readonly code: string
  readonly meaning: string
  readonly advice: string
}

/** The documents' table of exit codes, which a test of theirs holds to the faults. */
export const exitRows = (readme: string): readonly ExitRow[] =>
  Array.from(
    readme.matchAll(/^\| (\d+) \| ([^|]*) \| ([^|]*) \|$/gm),
    ([, code = '', meaning = '', advice = '']) => ({
      code,
      meaning: meaning.trim(),
      advice: advice.trim().replaceAll('`', ''),
    }),
  )

/** By their path below share/man. */
export const manuals = (sources: ManualSources): ReadonlyMap<string, string> =>
  new Map([
    ['man1/certferry.1', programPage(sources)],
    ['man5/certferry.toml.5', configPage(sources)],
  ])

const programPage = ({ version, date, commands, exits }: ManualSources) =>
  page(
    { name: 'certferry', number: 1, version, date },
    section(
      'NAME',
      "certferry \\- upload renewed certificates to Tencent Cloud's SSL service and put them in place",
    ),
    section('SYNOPSIS', '.B certferry\n.I COMMAND\n.RI [ OPTION ]...'),
    section(
      'DESCRIPTION',
      paragraph(
        "certferry uploads the certificates that an ACME client renews on this machine to Tencent Cloud's SSL service: it proves that each fits its key, uploads it once, and logs its ID. If [deploy] replace is on, it also replaces the older certificate with the new one. It runs as a service (watch), as a hook of the ACME client (hook), or from cron or a timer (sync), also at the same time.",
      ),
      paragraph('Begin with: certferry setup'),
    ),
    section(
      'COMMANDS',
      ...GROUPS.flatMap(group => commands.filter(command => command.group === group)).map(commandPart),
    ),
    section(
      'GLOBAL OPTIONS',
      paragraph('Several commands share these; each command lists the ones it takes.'),
      ...items(GLOBAL),
    ),
    section(
      'EXIT STATUS',
      ...exits.map(({ code, meaning, advice }) => item(code, advice ? `${meaning}: ${advice}` : meaning)),
      paragraph(
        'When several certificates fail, the most severe decides: 70, 78, 77, 74, 76, 69, 65, 66, 75.',
      ),
    ),
    section('ENVIRONMENT', ...ENVIRONMENT.map(([name, text]) => item(name, text))),
    section('FILES', ...FILES.map(([name, text]) => item(name, text))),
    section('SEE ALSO', '.BR certferry.toml (5),\n.BR systemd.service (5)'),
  )

const items = (options: OptionTable) =>
  Object.entries(options).map(([option, { takes, short, says }]) =>
    item(`${short ? `-${short}, ` : ''}--${option}${takes ? ` ${takes}` : ''}`, says),
  )

function commandPart({ name, operands, summary, options, details }: Command): string {
  const own = Object.entries(options).filter(([option]) => !isGlobal(option))
  const shared = Object.keys(options).filter(isGlobal)
  return subsection(
    `certferry ${name} ${operands}`.trimEnd(),
    paragraph(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`),
    ...items(Object.fromEntries(own)),
    ...(shared.length ? [paragraph(`Global options: ${shared.map(one => `--${one}`).join(', ')}.`)] : []),
    ...detailParts(details),
  )
}

/** Filled anew, for man indents: what is indented stays as it is, and a word with two blanks behind it is a term. */
function detailParts(details: string): readonly string[] {
  const parts: { kind: 'text' | 'code' | 'item'; lines: string[] }[] = []
  for (const line of details.split('\n')) {
    const last = parts.at(-1)
    const isTerm = /^\w+ {2,}\S/.test(line)
    if (isTerm) parts.push({ kind: 'item', lines: [line] })
    else if (last?.kind === 'item' && line.startsWith(' ')) last.lines.push(line.trim())
    else {
      const kind = line.startsWith(' ') ? 'code' : 'text'
      if (last?.kind === kind) last.lines.push(line)
      else parts.push({ kind, lines: [line] })
    }
  }
  return parts.map(({ kind, lines }) => {
    if (kind === 'code') return verbatim(lines.join('\n'))
    if (kind === 'text') return paragraph(lines.join(' '))
    const [, term = '', text = ''] = /^(\w+) +(.*)$/.exec(lines.join(' ')) ?? []
    return item(term, text)
  })
}

const configPage = ({ version, date, tables }: ManualSources) =>
  page(
    { name: 'certferry.toml', number: 5, version, date },
    section('NAME', 'certferry.toml \\- configuration of certferry'),
    section(
      'DESCRIPTION',
      paragraph(
        '/etc/certferry/config.toml is TOML. No key is required. An option overrides an environment variable, and a variable overrides the file. An unknown key is an error. certferry config check reports all errors at once; certferry config print shows the value of each key and where it comes from.',
      ),
      paragraph(
        '~/ is the home of the user who runs certferry; relative paths start at the folder of the file. A table in [[double brackets]] may occur several times.',
      ),
    ),
    ...tables.map(({ heading, words, keys, more }) =>
      section(
        heading,
        ...(words ? [paragraph(words)] : []),
        ...keys.map(({ key, allowed, defaultValue, example, meaning }) =>
          item(
            key,
            ...(meaning ? [meaning] : []),
            `Value: ${allowed}`,
            defaultValue === undefined ? `Default: not set. Example: ${example}` : `Default: ${defaultValue}`,
          ),
        ),
        ...(more ? [paragraph(more)] : []),
      ),
    ),
    section('EXAMPLE', verbatim(EXAMPLE)),
    section(
      'FILES',
      item('/usr/share/doc/certferry/config/certferry.example.toml', 'Every key, commented out.'),
      item('/usr/share/doc/certferry/config/schema.json', 'The JSON Schema, for editors that check TOML.'),
    ),
    section('SEE ALSO', '.BR certferry (1)'),
  )

const EXAMPLE = `[tencent]
endpoint = "https://ssl.intl.tencentcloudapi.com"

[deploy]
replace = true

[[certificate]]
match = "certbot:intranet.*"
exclude = true
`

const ENVIRONMENT = [
  [
    'TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY, TENCENTCLOUD_TOKEN',
    'The API key. With _FILE appended to the name: a file that contains it.',
  ],
  ['TENCENTCLOUD_CREDENTIALS_FILE', 'Credentials file to read instead of the usual ones.'],
  [
    'CERTFERRY_CONFIG, CERTFERRY_STATE_DIR, CERTFERRY_ENDPOINT, CERTFERRY_LOG_LEVEL',
    'As the options of the same names.',
  ],
  ['HTTPS_PROXY, NO_PROXY', 'Proxy for the connection to the service, and hosts that need none.'],
  ['NODE_EXTRA_CA_CERTS', 'File with your own certificate authorities.'],
  ['NO_COLOR', 'No colours.'],
] as const

const FILES = [
  ['/etc/certferry/config.toml', 'The configuration; see certferry.toml(5).'],
  [
    '/etc/tencentcloud/credentials',
    'The API key, as INI: secret_id and secret_key under [default]. Mode 0600.',
  ],
  ['/var/lib/certferry', 'What was uploaded: one SQLite database.'],
  [
    '/usr/share/doc/certferry',
    'The documents of the package: docs/operating.md, docs/troubleshooting.md and others.',
  ],
] as const
