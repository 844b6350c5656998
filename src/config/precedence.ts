/** The settings that may come from several places: option over environment over file over default. Pure. */
import type { Config } from './schema.ts'
import {
  DEFAULT_ENDPOINT,
  endpointProblem,
  type KeyPath,
  type LANGUAGES,
  LEVELS,
  type Level,
  NOTIFY_EVENTS,
  type NotifyEvent,
  RATE,
} from './values.ts'

/** What the command line said, already of the right type. */
export interface SettingOptions {
  readonly stateDir?: string | undefined
  readonly endpoint?: string | undefined
  readonly logLevel?: Level | undefined
  readonly rate?: number | undefined
}

export type Environment = Readonly<Record<string, string | undefined>>

/** What was said, and where. */
export interface Inputs {
  readonly options: SettingOptions
  readonly env: Environment
  readonly config: Config
}

/** Where a value comes from; of the file the path tells which line. */
export type Origin =
  | { readonly from: 'option' | 'environment'; readonly name: string }
  | { readonly from: 'file'; readonly path: KeyPath }
  | { readonly from: 'default' }

export interface Setting<T> {
  /** Where it stands in the file. */
  readonly path: KeyPath
  readonly inFile: (config: Config) => T | undefined
  readonly option?: { readonly name: string; readonly key: keyof SettingOptions }
  readonly variable?: string
  /** What is wrong with an option's or a variable's text; the file's has been through its schema. */
  readonly problem?: (text: string) => string | undefined
  readonly defaultValue: T
}

/** Four times a day, at no full hour; a daemon on every host of a fleet adds up to so many seconds of its own. */
export const DEFAULT_RESCAN = '17 */6 * * *'

export const DEFAULT_JITTER = 900

export const DEFAULT_STATE_DIR = '/var/lib/certferry'

/** Of quotes that nothing has taken off: a folder of such a name would be made below the current one. */
const quotesProblem = (text: string) =>
  /^(["']).*\1$/s.test(text) ? 'stands in quotes, which would be part of the path; take them off' : undefined

const setting = <T>(row: Setting<T>): Setting<T> => row

export const SETTINGS = {
  endpoint: setting({
    path: ['tencent', 'endpoint'],
    inFile: ({ tencent }) => tencent?.endpoint,
    option: { name: '--endpoint', key: 'endpoint' },
    variable: 'CERTFERRY_ENDPOINT',
    problem: endpointProblem,
    defaultValue: DEFAULT_ENDPOINT,
  }),
  region: setting<string | undefined>({
    path: ['tencent', 'region'],
    inFile: ({ tencent }) => tencent?.region,
    defaultValue: undefined,
  }),
  language: setting<(typeof LANGUAGES)[number]>({
    path: ['tencent', 'language'],
    inFile: ({ tencent }) => tencent?.language,
    defaultValue: 'en-US',
  }),
  rate: setting<number>({
    path: ['tencent', 'rate_per_second'],
    inFile: ({ tencent }) => tencent?.rate_per_second,
    option: { name: '--rate', key: 'rate' },
    defaultValue: RATE.default,
  }),
  profile: setting<string | undefined>({
    path: ['tencent', 'profile'],
    inFile: ({ tencent }) => tencent?.profile,
    defaultValue: undefined,
  }),
  instanceRole: setting<boolean>({
    path: ['tencent', 'instance_role'],
    inFile: ({ tencent }) => tencent?.instance_role,
    defaultValue: false,
  }),
  proxy: setting<string | undefined>({
    path: ['tencent', 'proxy'],
    inFile: ({ tencent }) => tencent?.proxy,
    defaultValue: undefined,
  }),
  rescan: setting({
    path: ['watch', 'rescan'],
    inFile: ({ watch }) => watch?.rescan,
    defaultValue: DEFAULT_RESCAN,
  }),
  rescanJitter: setting<number>({
    path: ['watch', 'rescan_jitter'],
    inFile: ({ watch }) => watch?.rescan_jitter,
    defaultValue: DEFAULT_JITTER,
  }),
  listen: setting<string | undefined>({
    path: ['http', 'listen'],
    inFile: ({ http }) => http?.listen,
    defaultValue: undefined,
  }),
  notifyCommand: setting<string | undefined>({
    path: ['notify', 'command'],
    inFile: ({ notify }) => notify?.command,
    defaultValue: undefined,
  }),
  webhookFile: setting<string | undefined>({
    path: ['notify', 'webhook_file'],
    inFile: ({ notify }) => notify?.webhook_file,
    defaultValue: undefined,
  }),
  template: setting<string | undefined>({
    path: ['notify', 'template'],
    inFile: ({ notify }) => notify?.template,
    defaultValue: undefined,
  }),
  events: setting<readonly NotifyEvent[]>({
    path: ['notify', 'events'],
    inFile: ({ notify }) => notify?.events,
    defaultValue: NOTIFY_EVENTS,
  }),
  level: setting<Level>({
    path: ['log', 'level'],
    inFile: ({ log }) => log?.level,
    option: { name: '--log-level', key: 'logLevel' },
    variable: 'CERTFERRY_LOG_LEVEL',
    problem: text =>
      (LEVELS as readonly string[]).includes(text) ? undefined : `expected one of ${LEVELS.join(', ')}`,
    defaultValue: 'info',
  }),
  stateDir: setting({
    path: ['state', 'dir'],
    inFile: ({ state }) => state?.dir,
    option: { name: '--state-dir', key: 'stateDir' },
    variable: 'CERTFERRY_STATE_DIR',
    problem: quotesProblem,
    defaultValue: DEFAULT_STATE_DIR,
  }),
} as const

/** The value in force; an empty variable says nothing. Of its type only where `choiceProblems` has none. */
export function resolveSetting<T>(
  { path, inFile, option, variable, defaultValue: usual }: Setting<T>,
  { options, env, config }: Inputs,
): { readonly value: T; readonly origin: Origin } {
  const said = option && options[option.key]
  if (said !== undefined) return { value: said as T, origin: { from: 'option', name: option?.name ?? '' } }
  const text = variable === undefined ? undefined : env[variable]
  if (variable && text) return { value: text as T, origin: { from: 'environment', name: variable } }
  const written = inFile(config)
  return written === undefined
    ? { value: usual, origin: { from: 'default' } }
    : { value: written, origin: { from: 'file', path } }
}

interface SettingProblem {
  readonly choice: Setting<unknown>
  /** The option or the variable. */
  readonly name: string
  readonly says: string
}

/** What is wrong with options and variables. */
export const settingProblems = (given: Inputs): readonly SettingProblem[] =>
  Object.values(SETTINGS).flatMap((choice: Setting<unknown>) => {
    const { value, origin } = resolveSetting(choice, given)
    const says = 'name' in origin ? choice.problem?.(String(value)) : undefined
    return says && 'name' in origin ? [{ choice, name: origin.name, says }] : []
  })

/** The same without the options and variables that are wrong: what else there is, is in force. */
export function withoutInvalid(given: Inputs): Inputs {
  const [wrong] = settingProblems(given)
  if (!wrong) return given
  const { choice, name } = wrong
  const { [choice.option?.key ?? 'rate']: _, ...options } = given.options
  return withoutInvalid(
    name === choice.variable ? { ...given, env: { ...given.env, [name]: undefined } } : { ...given, options },
  )
}
