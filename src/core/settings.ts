/** What is in force: option over environment over file over default. Pure. */
import { resolve } from 'node:path/posix'
import { DEFAULT_ALIAS } from './alias.ts'
import { type Config, LEVELS, type Level, RATE, type SourceKind, type UploadKeys } from './config.ts'
import { DEFAULT_ENDPOINT, endpointProblem } from './endpoint.ts'
import { EVENTS, type Event } from './event.ts'
import { Fault } from './fault.ts'
import { isMatch } from './pattern.ts'

export interface UploadSettings {
  readonly type: 'SVR' | 'CA' | undefined
  readonly alias: string
  readonly projectId: number | undefined
  readonly use: string | undefined
  readonly tags: ReadonlyArray<readonly [key: string, value: string]>
  readonly repeatable: boolean
  readonly keyPasswordFile: string | undefined
}

export type Source =
  | { readonly kind: Exclude<SourceKind, 'pem'>; readonly path: string; readonly keys: UploadKeys }
  | {
      readonly kind: 'pem'
      readonly name: string
      readonly chain: string
      readonly key: string | undefined
      readonly keys: UploadKeys
    }

export interface NotifySettings {
  readonly command: string | undefined
  /** A file that holds the address: whoever knows it can write there. */
  readonly webhookFile: string | undefined
  readonly template: string | undefined
  readonly events: readonly Event[]
}

export interface Settings {
  readonly endpoint: URL
  readonly region: string | undefined
  readonly language: 'en-US' | 'zh-CN'
  readonly ratePerSecond: number
  readonly profile: string | undefined
  /** Whether to ask this machine for a role; undefined where only one of Tencent Cloud's is asked. */
  readonly role: boolean | undefined
  readonly proxy: string | undefined
  readonly stateDir: string
  readonly logLevel: Level
  /** Where the daemon answers /live, /ready and /metrics; nowhere unless set. */
  readonly httpListen: string | undefined
  readonly watch: { readonly sweep: string; readonly jitterSeconds: number }
  /** Whom to tell beside the log, and of what. */
  readonly notify: NotifySettings
  /** Empty where the operator named none: then the usual places are looked at. */
  readonly sources: readonly Source[]
  /** What a lineage is uploaded with: its source's keys over [upload], and any matching [[certificate]] over both. */
  readonly uploadOf: (id: string, name: string, keys: UploadKeys) => UploadSettings
  /** Whether a [[certificate]] says that this lineage is not to be looked at at all. */
  readonly isSkipped: (id: string) => boolean
}

/** What the command line said, already of the right type. */
export interface Options {
  readonly stateDir?: string | undefined
  readonly source?: ReadonlyArray<Source> | undefined
  readonly endpoint?: string | undefined
  readonly logLevel?: Level | undefined
  readonly rate?: number | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

/** Four times a day, at no full hour; a daemon on every host of a fleet adds up to so many seconds of its own. */
export const DEFAULT_SWEEP = '17 */6 * * *'
export const DEFAULT_JITTER = 900

export const DEFAULT_STATE_DIR = '/var/lib/certferry'

/** @throws Fault CONFIG_INVALID naming every value that cannot be, and where it came from. */
export function settle(options: Options, env: Environment, config: Config): Settings {
  const { tencent = {} } = config
  const set = (name: string) => env[name] || undefined
  const endpoint = options.endpoint ?? set('CERTFERRY_ENDPOINT') ?? tencent.endpoint ?? DEFAULT_ENDPOINT
  const level = options.logLevel ?? set('CERTFERRY_LOG_LEVEL') ?? config.log?.level ?? 'info'
  // the file's values have been through its schema, the options' through their table
  refuse([
    [options.endpoint ? '--endpoint' : 'CERTFERRY_ENDPOINT', endpointProblem(endpoint)],
    ['CERTFERRY_LOG_LEVEL', isLevel(level) ? undefined : `expected one of ${LEVELS.join(', ')}`],
  ])
  return {
    endpoint: new URL(endpoint),
    region: tencent.region,
    language: tencent.language ?? 'en-US',
    ratePerSecond: options.rate ?? tencent.rate_per_second ?? RATE.default,
    profile: tencent.profile,
    role: tencent.role,
    proxy: tencent.proxy,
    stateDir: options.stateDir ?? set('CERTFERRY_STATE_DIR') ?? config.state?.dir ?? DEFAULT_STATE_DIR,
    logLevel: level as Level,
    httpListen: config.http?.listen,
    watch: {
      sweep: config.watch?.sweep ?? DEFAULT_SWEEP,
      jitterSeconds: config.watch?.jitter_seconds ?? DEFAULT_JITTER,
    },
    notify: {
      command: config.notify?.command,
      webhookFile: config.notify?.webhook_file,
      template: config.notify?.template,
      events: config.notify?.on ?? EVENTS,
    },
    sources: options.source?.length ? options.source : (config.source ?? []).map(sourceOf),
    uploadOf: (id, name, keys) => uploadSettings(config, id, name, keys),
    isSkipped: id =>
      matching(config, id, id.slice(id.indexOf(':') + 1)).findLast(({ skip }) => skip !== undefined)?.skip ??
      false,
  }
}

const isLevel = (text: string): text is Level => (LEVELS as readonly string[]).includes(text)

function refuse(checks: ReadonlyArray<readonly [string, string | undefined]>): void {
  const problems = checks.flatMap(([key, problem]) => (problem ? [`${key}: ${problem}`] : []))
  if (problems.length) throw new Fault('CONFIG_INVALID', problems.join('\n'))
}

function sourceOf(input: NonNullable<Config['source']>[number]): Source {
  const { kind, path = '', name = '', chain = '', key, ...keys } = input
  return kind === 'pem' ? { kind, name, chain, key, keys } : { kind, path, keys }
}

/** In the order of the file: of several that say the same, the last counts. */
const matching = ({ certificate = [] }: Config, id: string, name: string) =>
  certificate.filter(({ match }) => isMatch(match, id) || isMatch(match, name))

function uploadSettings(config: Config, id: string, name: string, keys: UploadKeys): UploadSettings {
  const merged: UploadKeys = Object.assign(
    {},
    config.upload,
    keys,
    ...matching(config, id, name).map(({ match: _, skip: __, ...rest }) => rest),
  )
  return {
    type: merged.type,
    alias: merged.alias ?? DEFAULT_ALIAS,
    projectId: merged.project_id,
    use: merged.use,
    tags: Object.entries(merged.tags ?? {}),
    repeatable: merged.repeatable ?? false,
    keyPasswordFile: merged.key_password_file,
  }
}

/** The same configuration with every path absolute: `~/` is the user's home, anything else relative to `base`. */
export function anchored(config: Config, base: string, home: string): Config {
  const path = (text: string) => (text.startsWith('~/') ? resolve(home, text.slice(2)) : resolve(base, text))
  const keys = <T extends UploadKeys>(input: T): T =>
    input.key_password_file === undefined
      ? input
      : { ...input, key_password_file: path(input.key_password_file) }
  return {
    ...config,
    ...(config.upload && { upload: keys(config.upload) }),
    ...(config.certificate && { certificate: config.certificate.map(keys) }),
    ...(config.notify && {
      notify: {
        ...config.notify,
        ...(config.notify.command && { command: path(config.notify.command) }),
        ...(config.notify.webhook_file && { webhook_file: path(config.notify.webhook_file) }),
      },
    }),
    ...(config.state?.dir && { state: { dir: path(config.state.dir) } }),
    ...(config.source && {
      source: config.source.map(source => ({
        ...keys(source),
        ...(source.path && { path: path(source.path) }),
        ...(source.chain && { chain: path(source.chain) }),
        ...(source.key && { key: path(source.key) }),
      })),
    }),
  }
}
