/** Every option of every command: its name, its value and its line in `--help`; and a command line read by them. Pure. */
import { resolve } from 'node:path/posix'
import { FOLDER_KINDS } from '../acme/clients.ts'
import { Fault } from '../errors.ts'
import { choiceProblem } from '../util/similar.ts'
import type { Source } from './settings.ts'
import {
  type CamelCase,
  KINDS,
  LEVELS,
  type Level,
  levelProblem,
  RATE,
  SITES,
  type Site,
  siteProblem,
  textfileProblem,
} from './values.ts'

/** @throws Fault USAGE for anything but KIND=PATH of a known kind. */
function sourceFrom(text: string, cwd: string): Source {
  const [word, ...rest] = text.split('=')
  const value = rest.join('=')
  const kind = KINDS.find(one => one === word)
  if (value && kind) return kind === 'pem' ? pem(value, cwd) : { kind, path: resolve(cwd, value), keys: {} }
  if (value && word) throw new Fault('USAGE', `--source: ${choiceProblem(word, KINDS)}`)
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
  /** The name of its value in `--help`; without it the option is a flag. */
  readonly takes?: string
  readonly short?: string
  readonly many?: true
  /** The values that there are, for completion; one that ends in "=" goes on. */
  readonly choices?: readonly string[]
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

const textWithout =
  <T extends string>(name: string, problem: (text: string) => string | undefined) =>
  (text: string): T => {
    const says = problem(text)
    if (says) throw new Fault('USAGE', `--${name}: ${says}`)
    return text as T
  }

export const METRICS = {
  'metrics-file': {
    takes: 'FILE',
    says: 'metrics for node_exporter; FILE ends in .prom',
    read: textWithout('metrics-file', textfileProblem),
  },
} satisfies OptionTable

/** Explained once, by `certferry help options`; each command takes those that mean something to it. */
export const GLOBAL = {
  config: {
    short: 'c',
    takes: 'FILE',
    says: 'configuration file (default /etc/certferry/config.toml)',
  },
  'state-dir': { takes: 'DIR', says: 'state directory (default /var/lib/certferry)' },
  source: {
    takes: 'KIND=PATH',
    many: true,
    choices: KINDS.map(kind => `${kind}=`),
    says: 'certbot=DIR and so on, or pem=NAME:CHAIN[:KEY]; replaces the sources of the configuration; repeatable',
    read: sourceFrom,
  },
  endpoint: {
    takes: 'URL',
    says: 'service URL (default https://ssl.tencentcloudapi.com)',
  },
  rate: {
    takes: 'N',
    says: `requests per second, at most (default ${RATE.default})`,
    read: number('rate', RATE.min, RATE.max, false),
  },
  'log-level': {
    takes: 'LEVEL',
    choices: LEVELS,
    says: `${LEVELS.join(', ')} (default info)`,
    read: textWithout<Level>('log-level', levelProblem),
  },
  quiet: { short: 'q', says: 'print only problems' },
  json: { says: 'print JSON on standard output, for scripts' },
} satisfies OptionTable

export const isGlobal = (name: string): name is keyof typeof GLOBAL => Object.hasOwn(GLOBAL, name)

/** These of the options that commands share. */
export const globals = (...names: ReadonlyArray<keyof typeof GLOBAL>): OptionTable =>
  Object.fromEntries(names.map(name => [name, GLOBAL[name]]))

export const SYNC = {
  only: {
    takes: 'NAME',
    many: true,
    says: 'only this certificate, with or without kind; repeatable',
  },
  'dry-run': { says: 'show what would be uploaded or replaced; change nothing' },
  force: { says: 'also upload unchanged, older and rejected certificates' },
  'no-replace': { says: 'only upload; ignore [deploy] replace' },
} satisfies OptionTable

export const STATUS = {
  only: {
    takes: 'NAME',
    many: true,
    says: 'only these, by name or pattern such as "*.example.com"; repeatable',
  },
  failing: { says: 'only those with a problem' },
  verbose: { short: 'v', says: 'also the names of each certificate, and every reason' },
} satisfies OptionTable

export const REPLACE = {
  force: { says: 'also if it is held, or expires before the one that is in place' },
  'dry-run': { says: 'show where IDs are bound and what would be done; change nothing' },
} satisfies OptionTable

export const LIMIT = {
  deadline: {
    takes: 'SECONDS',
    says: 'end within this time; the next run continues (default: none)',
    read: number('deadline', 1, 86_400, false),
  },
} satisfies OptionTable

export const INSTALL = {
  home: { takes: 'DIR', says: 'directory of the client, if it is not found' },
  remove: { says: 'remove the hook' },
  'dry-run': { says: 'show the path and the text of the hook; change nothing' },
} satisfies OptionTable

export const SETUP = {
  yes: { short: 'y', says: 'ask nothing: use the default for what is not given' },
  client: {
    takes: 'NAME',
    many: true,
    choices: FOLDER_KINDS,
    says: 'ACME client, such as certbot; repeatable',
  },
  site: {
    takes: 'SITE',
    choices: Object.keys(SITES),
    says: 'mainland (cloud.tencent.com) or international (tencentcloud.com)',
    read: textWithout<Site>('site', siteProblem),
  },
  'credentials-file': {
    takes: 'FILE',
    says: 'secret_id and secret_key of the API key, in [default]',
  },
  daemon: { says: 'run as a service that watches for renewals' },
  hook: { says: 'run as a hook of the client, and from a timer' },
  replace: { says: 'also replace older certificates with the renewed ones' },
  'skip-check': { says: 'do not run `certferry check` at the end' },
  'dry-run': { says: 'show what would be done; change nothing' },
} satisfies OptionTable

export const HOOK = {
  chain: { takes: 'FILE', says: 'certificate chain, leaf first' },
  key: { takes: 'FILE', says: 'private key' },
  name: { takes: 'NAME', says: 'name of the certificate' },
} satisfies OptionTable

export const DEADLINE = {
  deadline: {
    takes: 'SECONDS',
    says: 'end within this time (default 120)',
    read: number('deadline', 1, 86_400, false),
  },
} satisfies OptionTable

export const NOTIFY = {
  test: { says: 'send a sample through every channel' },
} satisfies OptionTable

export const PORT = {
  port: {
    takes: 'N',
    says: 'port on 127.0.0.1 (default 0: any free port)',
    read: number('port', 0, 65_535, true),
  },
  'inject-faults': {
    takes: 'SEED',
    says: 'throttle, reset, stall and send invalid replies; same SEED, same faults',
  },
  resources: {
    takes: 'FILE',
    says: 'JSON with the resources that use certificates; also starts a TLS server',
  },
  'time-scale': {
    takes: 'N',
    says: 'run scans and jobs N times as fast (default 1)',
    read: number('time-scale', 1, 100_000, false),
  },
} satisfies OptionTable

type Options = typeof METRICS &
  typeof GLOBAL &
  typeof SYNC &
  typeof STATUS &
  typeof INSTALL &
  typeof SETUP &
  typeof HOOK &
  typeof DEADLINE &
  typeof NOTIFY &
  typeof PORT

type OneValue<O> = O extends { readonly read: (...given: never) => infer Value }
  ? Value
  : O extends { readonly takes: string }
    ? string
    : boolean

type Value<O> = O extends { readonly many: true } ? ReadonlyArray<OneValue<O>> : OneValue<O>

type Given = { readonly [Name in Exclude<keyof Options, 'json'> as CamelCase<Name>]?: Value<Options[Name]> }

/** The options given, by their names in camel case, and the other words. */
export interface CommandLine extends Given {
  readonly operands: readonly string[]
  readonly json: boolean
}
