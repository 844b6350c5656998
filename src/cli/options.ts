/** Every option: its name, its value and its line in `--help`. Pure. */
import { resolve } from 'node:path/posix'
import type { CommandLine } from '../config/commandLine.ts'
import type { Source } from '../config/settings.ts'
import { KINDS, LEVELS, RATE, textfileProblem } from '../config/values.ts'
import { Fault } from '../errors.ts'

/** @throws Fault USAGE for anything but KIND=PATH of a known kind. */
function sourceFrom(text: string, cwd: string): Source {
  const [word, ...rest] = text.split('=')
  const value = rest.join('=')
  const kind = KINDS.find(one => one === word)
  if (value && kind) return kind === 'pem' ? pem(value, cwd) : { kind, path: resolve(cwd, value), keys: {} }
  throw new Fault('USAGE', `--source: expected KIND=PATH or pem=NAME:CHAIN[:KEY], not "${text}"`, {
    advice: `KIND is one of ${KINDS.filter(one => one !== 'pem').join(', ')}.`,
  })
}

function pem(value: string, cwd: string): Source {
  const [name, chain, key, ...more] = value.split(':')
  if (!name || !chain || key === '' || more.length) {
    throw new Fault('USAGE', `--source: expected pem=NAME:CHAIN[:KEY], not "pem=${value}"`, {
      advice: 'A path with a colon goes into the configuration file: [[source]] kind = "pem".',
    })
  }
  return {
    kind: 'pem',
    name,
    chain: resolve(cwd, chain),
    key: key === undefined ? undefined : resolve(cwd, key),
    keys: {},
  }
}

export interface Option {
  readonly as: Exclude<keyof CommandLine, 'operands'>
  readonly takes?: string
  readonly short?: string
  readonly many?: boolean
  readonly says: string
  /** From text to value. @throws Fault USAGE. */
  readonly read?: (text: string, cwd: string) => unknown
}

export type OptionTable = Readonly<Record<string, Option>>

const number = (name: string, min: number, max: number, whole: boolean) => (text: string) => {
  const value = Number(text)
  const fits = text.trim() !== '' && value >= min && value <= max && (!whole || Number.isInteger(value))
  if (!fits)
    throw new Fault(
      'USAGE',
      `--${name}: expected ${whole ? 'a whole number' : 'a number'} from ${min} to ${max}, not "${text}"`,
    )
  return value
}

const level = (text: string) => {
  if (!(LEVELS as readonly string[]).includes(text))
    throw new Fault('USAGE', `--log-level: expected one of ${LEVELS.join(', ')}, not "${text}"`)
  return text
}

const textfile = (text: string) => {
  const problem = textfileProblem(text)
  if (problem) throw new Fault('USAGE', `--metrics-file: ${problem}`)
  return text
}

export const METRICS: OptionTable = {
  'metrics-file': {
    as: 'metricsFile',
    takes: 'FILE',
    says: 'metrics for node_exporter; FILE ends in .prom',
    read: textfile,
  },
}

export const PACE: OptionTable = {
  rate: {
    as: 'rate',
    takes: 'N',
    says: `requests per second, at most (default ${RATE.default})`,
    read: number('rate', RATE.min, RATE.max, false),
  },
}

export const COMMON: OptionTable = {
  config: {
    as: 'config',
    short: 'c',
    takes: 'FILE',
    says: 'configuration file (default /etc/certferry/config.toml)',
  },
  'state-dir': { as: 'stateDir', takes: 'DIR', says: 'state directory (default /var/lib/certferry)' },
  source: {
    as: 'source',
    takes: 'KIND=PATH',
    many: true,
    says: 'certbot=DIR and so on, or pem=NAME:CHAIN[:KEY]; repeatable',
    read: sourceFrom,
  },
  endpoint: {
    as: 'endpoint',
    takes: 'URL',
    says: 'service URL (default https://ssl.tencentcloudapi.com)',
  },
  'log-level': { as: 'logLevel', takes: 'LEVEL', says: `${LEVELS.join(', ')} (default info)`, read: level },
  ...PACE,
  json: { as: 'json', says: 'print one JSON object on standard output' },
}

export const SYNC: OptionTable = {
  only: {
    as: 'only',
    takes: 'NAME',
    many: true,
    says: 'only this certificate, with or without kind; repeatable',
  },
  'dry-run': { as: 'dryRun', says: 'show what would be uploaded; send and write nothing' },
  force: { as: 'force', says: 'upload also what is unchanged, older or rejected before' },
}

export const INSTALL: OptionTable = {
  home: { as: 'home', takes: 'DIR', says: 'directory of the client, if it is not found' },
  remove: { as: 'remove', says: 'remove the hook' },
  'dry-run': { as: 'dryRun', says: 'show the path and the text of the hook; change nothing' },
}

export const SETUP: OptionTable = {
  yes: { as: 'yes', short: 'y', says: 'ask nothing: use the default for what is not given' },
  client: { as: 'client', takes: 'NAME', many: true, says: 'ACME client, such as certbot; repeatable' },
  'credentials-file': {
    as: 'credentialsFile',
    takes: 'FILE',
    says: 'secret_id and secret_key of the API key, in [default]',
  },
  daemon: { as: 'daemon', says: 'run as a service that watches for renewals' },
  hook: { as: 'hook', says: 'run as a hook of the client, and by a timer' },
  'skip-check': { as: 'skipCheck', says: 'do not run `certferry check` at the end' },
  'dry-run': { as: 'dryRun', says: 'show what would be done; change nothing' },
}

export const HOOK: OptionTable = {
  chain: { as: 'chain', takes: 'FILE', says: 'certificate chain, leaf first' },
  key: { as: 'key', takes: 'FILE', says: 'private key' },
  name: { as: 'name', takes: 'NAME', says: 'name of the certificate' },
}

export const DEADLINE: OptionTable = {
  deadline: {
    as: 'deadline',
    takes: 'SECONDS',
    says: 'end within this time (default 120)',
    read: number('deadline', 1, 86_400, false),
  },
}

export const NOTIFY: OptionTable = {
  test: { as: 'test', says: 'send a sample through every channel' },
}

export const PORT: OptionTable = {
  port: {
    as: 'port',
    takes: 'N',
    says: 'port on 127.0.0.1 (default 0: any free port)',
    read: number('port', 0, 65_535, true),
  },
  'inject-faults': {
    as: 'injectFaults',
    takes: 'SEED',
    says: 'throttle, reset, stall and send invalid replies; same SEED, same faults',
  },
}
