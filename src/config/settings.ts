/** What is in force: option over environment over file over default. Pure. */
import { resolve } from 'node:path/posix'
import { Fault } from '../errors.ts'
import { type DeploySettings, deploySettings } from './deploy.ts'
import {
  type Environment,
  resolveValues,
  type SettingOptions,
  type SettingValues,
  settingProblems,
} from './precedence.ts'
import type { Config, LineageKeys } from './schema.ts'
import { DEFAULT_ALIAS, type SourceKind } from './values.ts'

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
  /** Where requests are sent, and how. */
  readonly service: ServiceSettings
}

interface ServiceSettings {
  readonly endpoint: string
  readonly region: string | undefined
  readonly language: string
}

export interface LineageSettings {
  readonly upload: UploadSettings
  readonly deploy: DeploySettings
}

/** An ACME client's folder, or Traefik's file. */
export interface FolderSource {
  readonly kind: Exclude<SourceKind, 'pem'>
  readonly path: string
  readonly keys: LineageKeys
}

/** A certificate named by the operator. */
export interface PemSource {
  readonly kind: 'pem'
  readonly name: string
  readonly chain: string
  readonly key: string | undefined
  readonly keys: LineageKeys
}

export type Source = FolderSource | PemSource

export interface Settings extends Omit<SettingValues, 'endpoint'> {
  readonly endpoint: URL
  /** Empty if none is named: then each client's default directory is a source. */
  readonly sources: readonly Source[]
  /** For one lineage: its source's keys over [upload] and [deploy], and any matching [[certificate]] over all. */
  readonly forLineage: (id: string, name: string, keys: LineageKeys) => LineageSettings
  /** Whether a [[certificate]] excludes this lineage. */
  readonly isExcluded: (id: string) => boolean
  /** The patterns of [[certificate]] that fit none of these lineages. */
  readonly unmatched: (ids: readonly string[]) => readonly string[]
}

export interface Options extends SettingOptions {
  readonly source?: ReadonlyArray<Source> | undefined
}

/** @throws Fault CONFIG_INVALID with every wrong value of options and environment. */
export function resolveSettings(options: Options, env: Environment, config: Config): Settings {
  const inputs = { options, env, config }
  const problems = settingProblems(inputs)
  if (problems.length)
    throw new Fault('CONFIG_INVALID', problems.map(({ name, says }) => `${name}: ${says}`).join('\n'))
  const values = resolveValues(inputs)
  const endpoint = new URL(values.endpoint)
  const service = { endpoint: endpoint.origin, region: values.region, language: values.language }
  /** Ten thousand lineages share what is in force: by their source's keys and the tables that match. */
  const resolved = new WeakMap<LineageKeys, Map<string, LineageSettings>>()
  return {
    ...values,
    endpoint,
    sources: options.source?.length ? options.source : (config.source ?? []).map(sourceOf),
    forLineage: (id, name, keys) => {
      const tables = matchingTables(config, id, name)
      const key = tables.map(table => config.certificate?.indexOf(table)).join()
      const byTables = resolved.get(keys) ?? new Map<string, LineageSettings>()
      resolved.set(keys, byTables)
      const known = byTables.get(key)
      if (known) return known
      const merged = mergedKeys(config, keys, tables)
      const settings = { upload: { ...uploadSettings(merged), service }, deploy: deploySettings(merged) }
      byTables.set(key, settings)
      return settings
    },
    isExcluded: id =>
      matchingTables(config, id, id.slice(id.indexOf(':') + 1)).findLast(
        ({ exclude }) => exclude !== undefined,
      )?.exclude ?? false,
    unmatched: ids =>
      (config.certificate ?? []).map(one => one.match).filter(match => !ids.some(fits(match))),
  }
}

function sourceOf(input: NonNullable<Config['source']>[number]): Source {
  const { kind, path = '', name = '', chain = '', key, ...keys } = input
  return kind === 'pem' ? { kind, name, chain, key, keys } : { kind, path, keys }
}

/** By a lineage's ID or its name. */
export const fits = (pattern: string) => (id: string) =>
  isMatch(pattern, id) || isMatch(pattern, id.slice(id.indexOf(':') + 1))

/** In the order of the file: the last one that sets a key decides. */
const matchingTables = ({ certificate = [] }: Config, id: string, name: string) =>
  certificate.filter(({ match }) => isMatch(match, id) || isMatch(match, name))

const mergedKeys = (
  config: Config,
  keys: LineageKeys,
  tables: ReturnType<typeof matchingTables>,
): LineageKeys =>
  Object.assign(
    {},
    config.upload,
    config.deploy,
    keys,
    ...tables.map(({ match: _, exclude: __, ...rest }) => rest),
  )

function uploadSettings(merged: LineageKeys): Omit<UploadSettings, 'service'> {
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

const PATH_KEYS = [
  ...(['key_password_file', 'path', 'chain', 'key', 'dir'] as const),
  ...(['command', 'sendmail', 'webhook_file'] as const),
] as const

/** The same configuration with every path absolute: `~/` is the user's home, anything else relative to `base`. */
export function resolvePaths(config: Config, base: string, home: string): Config {
  const absolute = (path: string) =>
    path.startsWith('~/') ? resolve(home, path.slice(2)) : resolve(base, path)
  const inTable = <T extends object>(table: T): T => {
    const paths = PATH_KEYS.flatMap(key => {
      const path = (table as Partial<Record<string, unknown>>)[key]
      return typeof path === 'string' ? [[key, absolute(path)]] : []
    })
    return { ...table, ...Object.fromEntries(paths) }
  }
  const inTables = (tables: object = {}) => (Array.isArray(tables) ? tables.map(inTable) : inTable(tables))
  return Object.fromEntries(Object.entries(config).map(([name, tables]) => [name, inTables(tables)]))
}
