/** The settings with one value: option over environment over file over default. Pure. */
import type { Config } from './schema.ts'
import {
  type CamelCase,
  camelCase,
  DEFAULT_ENDPOINT,
  endpointProblem,
  formatProblem,
  type KeyPath,
  levelProblem,
  NOTIFY_EVENTS,
  RATE,
} from './values.ts'

type TableName = Exclude<keyof Config, 'upload' | 'deploy' | 'source' | 'certificate'>

type Table<T extends TableName> = NonNullable<Config[T]>

/** Where else than in the file a setting may be given. */
interface Elsewhere<Option extends string> {
  /** Without its dashes. */
  readonly option?: Option
  readonly variable?: string
  /** What is wrong with the text of the option or the variable; the schema checks the file's. */
  readonly problem?: (text: string) => string | undefined
}

export interface Setting<Value, Option extends string = string> extends Elsewhere<Option> {
  readonly path: readonly [table: TableName, key: string]
  readonly defaultValue: Value
}

const setting = <
  T extends TableName,
  K extends keyof Table<T> & string,
  Default extends Table<T>[K] | undefined,
  const Option extends string = never,
>(
  table: T,
  key: K,
  defaultValue: Default,
  elsewhere: Elsewhere<Option> = {},
): Setting<
  undefined extends Default ? Table<T>[K] | undefined : Exclude<Table<T>[K], undefined>,
  Option
> => ({ path: [table, key], defaultValue: defaultValue as never, ...elsewhere })

/** Quotes that no shell has removed: the directory would be made below the current one. */
const quotesProblem = (text: string) =>
  /^(["']).*\1$/s.test(text) ? 'is in quotes, which would be part of the path; remove them' : undefined

/** Four times a day and not on the hour; each daemon of a fleet adds a random delay, in seconds. */
export const DEFAULT_RESCAN = '17 */6 * * *'

const DEFAULT_JITTER = 900

/** By its name here: where it stands in the file, its default, and where else it may be given. */
export const SETTINGS = {
  endpoint: setting('tencent', 'endpoint', DEFAULT_ENDPOINT, {
    option: 'endpoint',
    variable: 'CERTFERRY_ENDPOINT',
    problem: endpointProblem,
  }),
  region: setting('tencent', 'region', undefined),
  language: setting('tencent', 'language', 'en-US'),
  ratePerSecond: setting('tencent', 'rate_per_second', RATE.default, { option: 'rate' }),
  profile: setting('tencent', 'profile', 'default'),
  instanceRole: setting('tencent', 'instance_role', false),
  proxy: setting('tencent', 'proxy', undefined),
  rescan: setting('watch', 'rescan', DEFAULT_RESCAN),
  rescanJitter: setting('watch', 'rescan_jitter', DEFAULT_JITTER),
  httpListen: setting('http', 'listen', undefined),
  notifyCommand: setting('notify', 'command', undefined),
  notifyMail: setting('notify', 'mail', undefined),
  notifySendmail: setting('notify', 'sendmail', '/usr/sbin/sendmail'),
  notifyWebhookFile: setting('notify', 'webhook_file', undefined),
  notifyPreset: setting('notify', 'preset', undefined),
  notifyTemplate: setting('notify', 'template', undefined),
  notifyEvents: setting('notify', 'events', [...NOTIFY_EVENTS]),
  logLevel: setting('log', 'level', 'info', {
    option: 'log-level',
    variable: 'CERTFERRY_LOG_LEVEL',
    problem: levelProblem,
  }),
  logFormat: setting('log', 'format', 'text', {
    variable: 'CERTFERRY_LOG_FORMAT',
    problem: formatProblem,
  }),
  stateDir: setting('state', 'dir', '/var/lib/certferry', {
    option: 'state-dir',
    variable: 'CERTFERRY_STATE_DIR',
    problem: quotesProblem,
  }),
}

type Rows = typeof SETTINGS

/** Every setting of the table by its name. */
export type SettingValues = { readonly [Name in keyof Rows]: Rows[Name]['defaultValue'] }

/** The options of these settings, with values of their types. */
export type SettingOptions = {
  readonly [Name in keyof Rows as Rows[Name] extends Setting<unknown, infer Option>
    ? CamelCase<Option>
    : never]?: Rows[Name]['defaultValue'] | undefined
}

export type Environment = Readonly<Record<string, string | undefined>>

export interface Inputs {
  readonly options: SettingOptions
  readonly env: Environment
  readonly config: Config
}

/** Where a value comes from. */
export type Origin =
  | { readonly from: 'option' | 'environment'; readonly name: string }
  | { readonly from: 'file'; readonly path: KeyPath }
  | { readonly from: 'default' }

/** The value in force. It has its type only if `settingProblems` finds nothing. */
export function resolveSetting<T>(
  { path, option, variable, defaultValue }: Setting<T>,
  { options, env, config }: Inputs,
): { readonly value: T; readonly origin: Origin } {
  if (option !== undefined) {
    const value = options[camelCase(option) as keyof SettingOptions]
    if (value !== undefined) return { value: value as T, origin: { from: 'option', name: `--${option}` } }
  }
  // an empty variable counts as not set
  const text = variable && env[variable]
  if (text) return { value: text as T, origin: { from: 'environment', name: variable } }
  const [table, key] = path
  const written = (config[table] as Readonly<Record<string, unknown>> | undefined)?.[key]
  return written === undefined
    ? { value: defaultValue, origin: { from: 'default' } }
    : { value: written as T, origin: { from: 'file', path } }
}

export const resolveValues = (inputs: Inputs): SettingValues =>
  Object.fromEntries(
    Object.entries(SETTINGS).map(([name, row]) => [
      name,
      resolveSetting(row as Setting<unknown>, inputs).value,
    ]),
  ) as SettingValues

interface SettingProblem {
  /** The option or the variable. */
  readonly name: string
  readonly says: string
}

/** What is wrong with options and variables. */
export const settingProblems = (inputs: Inputs): readonly SettingProblem[] =>
  Object.values(SETTINGS).flatMap((row: Setting<unknown>) => {
    const { value, origin } = resolveSetting(row, inputs)
    const says = 'name' in origin ? row.problem?.(String(value)) : undefined
    return says && 'name' in origin ? [{ name: origin.name, says }] : []
  })

/** The same without wrong options and variables: what they hid comes into force. */
export function withoutInvalid(inputs: Inputs): Inputs {
  const [wrong] = settingProblems(inputs)
  if (!wrong) return inputs
  const { options, env } = inputs
  return withoutInvalid(
    wrong.name.startsWith('--')
      ? { ...inputs, options: { ...options, [camelCase(wrong.name.slice(2))]: undefined } }
      : { ...inputs, env: { ...env, [wrong.name]: undefined } },
  )
}
