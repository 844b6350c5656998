/** The man pages, made of what the program says of itself: the command table and the commented configuration. Pure. */
import type { Command } from '../src/cli/commands.ts'
import { item, page, paragraph, section, subsection, verbatim } from './roff.ts'

export interface ManualSources {
  readonly version: string
  readonly date: Date
  readonly commands: readonly Command[]
  /** The example configuration, every key with its default. */
  readonly config: string
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
        "certferry uploads the certificates that an ACME client renews on this machine to Tencent Cloud's SSL service: proven to fit their keys, each once, and names the certificate ID. It runs as a service (watch), as a hook of the ACME client (hook), and from cron or a timer (sync); together in any number.",
      ),
    ),
    section('COMMANDS', ...commands.map(commandPart)),
    section(
      'EXIT STATUS',
      ...exits.map(({ code, meaning, advice }) => item(code, advice ? `${meaning}: ${advice}` : meaning)),
      paragraph('When several certificates fail, the most severe decides: 70, 78, 77, 74, 76, 65, 66, 75.'),
    ),
    section('ENVIRONMENT', ...ENVIRONMENT.map(([name, text]) => item(name, text))),
    section('FILES', ...FILES.map(([name, text]) => item(name, text))),
    section('SEE ALSO', '.BR certferry.toml (5),\n.BR systemd.service (5)'),
  )

const commandPart = ({ name, operands, summary, options, details }: Command) =>
  subsection(
    `certferry ${name} ${operands}`.trimEnd(),
    paragraph(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`),
    ...Object.entries(options).map(([option, { takes, short, says }]) =>
      item(`${short ? `-${short}, ` : ''}--${option}${takes ? ` ${takes}` : ''}`, says),
    ),
    verbatim(details),
  )

const configPage = ({ version, date, config }: ManualSources) =>
  page(
    { name: 'certferry.toml', number: 5, version, date },
    section('NAME', 'certferry.toml \\- configuration of certferry'),
    section(
      'DESCRIPTION',
      paragraph(
        '/etc/certferry/config.toml is TOML. Option stands over environment, environment over file, file over default. Nothing has to be in it; below is every key, commented out, at its default.',
      ),
      verbatim(config),
    ),
    section('SEE ALSO', '.BR certferry (1)'),
  )

const ENVIRONMENT = [
  [
    'TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY, TENCENTCLOUD_TOKEN',
    'The API key; with _FILE behind the name, a file that holds it.',
  ],
  ['TENCENTCLOUD_CREDENTIALS_FILE', 'A credentials file in place of the usual ones.'],
  [
    'CERTFERRY_CONFIG, CERTFERRY_STATE_DIR, CERTFERRY_ENDPOINT, CERTFERRY_LOG_LEVEL',
    'As the options of the same names.',
  ],
  ['HTTPS_PROXY, NO_PROXY', 'The way to the service.'],
  ['NODE_EXTRA_CA_CERTS', 'A file of certificate authorities of your own.'],
  ['NO_COLOR', 'No colours.'],
] as const

const FILES = [
  ['/etc/certferry/config.toml', 'The configuration; see certferry.toml(5).'],
  [
    '/etc/tencentcloud/credentials',
    'The API key, as INI: secret_id and secret_key under [default]. Mode 0600.',
  ],
  ['/var/lib/certferry', 'Receipts: what was uploaded, one JSON file a certificate.'],
  [
    '/usr/share/doc/certferry',
    'The documents of the package: docs/operating.md, docs/troubleshooting.md and others.',
  ],
] as const
