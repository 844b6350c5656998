/** What is in force: option over environment over file over default. Pure. */
import { resolve } from 'node:path/posix'
import { Fault } from '../errors.ts'
import {
  type Environment,
  resolveSetting,
  SETTINGS,
  type Setting,
  type SettingOptions,
  settingProblems,
} from './precedence.ts'
import type { Config, UploadKeys } from './schema.ts'
import { DEFAULT_ALIAS, type Level, type NotifyEvent, type SourceKind } from './values.ts'

/**
 * A literal asterisk, as acme.sh has in `*.example.com_ecc`, is matched by `*` like any other text. No regular
 * expression: one made of several asterisks takes time without end over a name that almost fits.
 */
export function isMatch(pattern: string, name: string): boolean {
  const wanted = [...pattern]
  const given = [...name]
  let at = 0
  let star: { readonly after: number; taken: number } | undefined
  for (let i = 0; i < given.length; ) {
    if (wanted[at] === '*') star = { after: ++at, taken: i }
    else if (wanted[at] === '?' || wanted[at] === given[i]) {
      at++
      i++
    } else if (star) {
      // the last asterisk takes one more: an earlier one has no better place than the first it fitted
      i = ++star.taken
      at = star.after
    } else return false
  }
  return wanted.slice(at).every(character => character === '*')
}

export interface UploadSettings {
  readonly type: 'SVR' | 'CA' | undefined
  readonly alias: string
  readonly projectId: number | undefined
  readonly use: string | undefined
  readonly tags: ReadonlyArray<readonly [key: string, value: string]>
  readonly repeatable: boolean
  readonly keyPasswordFile: string | undefined
  /** Whom every request asks, and how. */
  readonly service: ServiceSettings
}

interface ServiceSettings {
  readonly endpoint: string
  readonly region: string | undefined
  readonly language: string
}

/** What an ACME client keeps of its own: a folder, or with Traefik a file. */
export interface FolderSource {
  readonly kind: Exclude<SourceKind, 'pem'>
  readonly path: string
  readonly keys: UploadKeys
}

/** A certificate that the operator named. */
export interface PemSource {
  readonly kind: 'pem'
  readonly name: string
  readonly chain: string
  readonly key: string | undefined
  readonly keys: UploadKeys
}

export type Source = FolderSource | PemSource

interface NotifySettings {
  readonly command: string | undefined
  /** A file that holds the address: whoever knows it can write there. */
  readonly webhookFile: string | undefined
  readonly template: string | undefined
  readonly events: readonly NotifyEvent[]
}

export interface Settings {
  readonly endpoint: URL
  readonly region: string | undefined
  readonly language: 'en-US' | 'zh-CN'
  readonly ratePerSecond: number
  readonly profile: string | undefined
  /** Whether to ask the metadata service of this machine for the credentials of its role. */
  readonly instanceRole: boolean
  readonly proxy: string | undefined
  readonly stateDir: string
  readonly logLevel: Level
  /** Where the daemon answers /live, /ready and /metrics; nowhere unless set. */
  readonly httpListen: string | undefined
  readonly watch: { readonly rescan: string; readonly rescanJitter: number }
  /** Whom to tell beside the log, and of what. */
  readonly notify: NotifySettings
  /** Empty where the operator named none: then the usual places are looked at. */
  readonly sources: readonly Source[]
  /** What a lineage is uploaded with: its source's keys over [upload], and any matching [[certificate]] over both. */
  readonly uploadOf: (id: string, name: string, keys: UploadKeys) => UploadSettings
  /** Whether a [[certificate]] says that this lineage is not to be looked at at all. */
  readonly isExcluded: (id: string) => boolean
}

/** What the command line said, already of the right type. */
export interface Options extends SettingOptions {
  readonly source?: ReadonlyArray<Source> | undefined
}

/** @throws Fault CONFIG_INVALID naming every value of options and environment that cannot be. */
export function resolveSettings(options: Options, env: Environment, config: Config): Settings {
  const given = { options, env, config }
  const problems = settingProblems(given)
  if (problems.length)
    throw new Fault('CONFIG_INVALID', problems.map(({ name, says }) => `${name}: ${says}`).join('\n'))
  const of = <T>(choice: Setting<T>): T => resolveSetting(choice, given).value
  const [endpoint, region, language] = [
    new URL(of(SETTINGS.endpoint)),
    of(SETTINGS.region),
    of(SETTINGS.language),
  ]
  const service = { endpoint: endpoint.origin, region, language }
  return {
    endpoint,
    region,
    language,
    ratePerSecond: of(SETTINGS.rate),
    profile: of(SETTINGS.profile),
    instanceRole: of(SETTINGS.instanceRole),
    proxy: of(SETTINGS.proxy),
    stateDir: of(SETTINGS.stateDir),
    logLevel: of(SETTINGS.level),
    httpListen: of(SETTINGS.listen),
    watch: { rescan: of(SETTINGS.rescan), rescanJitter: of(SETTINGS.rescanJitter) },
    notify: {
      command: of(SETTINGS.notifyCommand),
      webhookFile: of(SETTINGS.webhookFile),
      template: of(SETTINGS.template),
      events: of(SETTINGS.events),
    },
    sources: options.source?.length ? options.source : (config.source ?? []).map(sourceOf),
    uploadOf: (id, name, keys) => ({ ...uploadSettings(config, id, name, keys), service }),
    isExcluded: id =>
      matchesAny(config, id, id.slice(id.indexOf(':') + 1)).findLast(({ exclude }) => exclude !== undefined)
        ?.exclude ?? false,
  }
}

function sourceOf(input: NonNullable<Config['source']>[number]): Source {
  const { kind, path = '', name = '', chain = '', key, ...keys } = input
  return kind === 'pem' ? { kind, name, chain, key, keys } : { kind, path, keys }
}

/** In the order of the file: of several that say the same, the last counts. */
const matchesAny = ({ certificate = [] }: Config, id: string, name: string) =>
  certificate.filter(({ match }) => isMatch(match, id) || isMatch(match, name))

function uploadSettings(
  config: Config,
  id: string,
  name: string,
  keys: UploadKeys,
): Omit<UploadSettings, 'service'> {
  const merged: UploadKeys = Object.assign(
    {},
    config.upload,
    keys,
    ...matchesAny(config, id, name).map(({ match: _, exclude: __, ...rest }) => rest),
  )
  return {
    type: merged.type,
    alias: merged.alias ?? DEFAULT_ALIAS,
    projectId: merged.project_id,
    use: merged.certificate_use,
    tags: Object.entries(merged.tags ?? {}),
    repeatable: merged.repeatable ?? false,
    keyPasswordFile: merged.key_password_file,
  }
}

/** The same configuration with every path absolute: `~/` is the user's home, anything else relative to `base`. */
export function resolvePaths(config: Config, base: string, home: string): Config {
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
