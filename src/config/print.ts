/** The configuration in force with the origin of each value, as TOML that means the same, or as JSON. Pure. */
import { escapeText } from '../terminal/text.ts'
import { DEPLOY_DEFAULTS } from './deploy.ts'
import { type Inputs, type Origin, resolveSetting, SETTINGS, type Setting } from './precedence.ts'
import type { Source } from './settings.ts'
import { keysAt } from './validate.ts'
import { DEFAULT_ALIAS, type KeyPath, type PositionOf } from './values.ts'

type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain }

/** `[table]`, or `[[list]]` for the next of a list. */
const tomlHeader = (path: KeyPath): string => {
  const names = path
    .filter(step => typeof step === 'string')
    .map(tomlKey)
    .join('.')
  return typeof path.at(-1) === 'number' ? `[[${names}]]` : `[${names}]`
}

export const tomlAssignment = (key: string, value: Plain): string => `${tomlKey(key)} = ${tomlValue(value)}`

const tomlKey = (key: string) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : tomlString(key))

function tomlValue(value: Plain): string {
  if (typeof value === 'string') return tomlString(value)
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`
  const entries = Object.entries(value).map(([key, one]) => tomlAssignment(key, one))
  return entries.length ? `{ ${entries.join(', ')} }` : '{}'
}

/** As JSON writes it, for a terminal too; half of a character no file can hold. */
const tomlString = (text: string) => escapeText(JSON.stringify(text.toWellFormed()))

interface ConfigRow {
  readonly path: KeyPath
  /** Undefined if it is not set and has no default. */
  readonly value: Plain | undefined
  readonly origin: Origin
}

export interface EffectiveConfig extends Inputs {
  /** The sources of --source, or the default directories that exist; undefined if the file has sources. */
  readonly elsewhere: { readonly sources: readonly Source[]; readonly origin: Origin } | undefined
}

/** In the order of the example configuration. */
export function effectiveRows(inputs: EffectiveConfig): readonly ConfigRow[] {
  const tables = [
    'tencent',
    'upload',
    'deploy',
    'source',
    'certificate',
    'watch',
    'http',
    'notify',
    'log',
    'state',
  ]
  const rows = [
    ...settingRows(inputs),
    ...lineageRows(inputs, 'upload'),
    ...lineageRows(inputs, 'deploy'),
    ...sourceRows(inputs),
    ...certificateRows(inputs),
  ]
  return tables.flatMap(table => rows.filter(({ path }) => path[0] === table))
}

const settingRows = (inputs: Inputs): readonly ConfigRow[] =>
  Object.values(SETTINGS).map((row: Setting<Plain | undefined>) => ({
    path: row.path,
    ...(row === SETTINGS.proxy ? proxyInForce(inputs) : resolveSetting(row, inputs)),
  }))

/** `[tencent] proxy` or HTTPS_PROXY, as the connections take them; without what it may hold of name and password. */
function proxyInForce(inputs: Inputs): { readonly value: string | undefined; readonly origin: Origin } {
  const { value, origin } = resolveSetting(SETTINGS.proxy, inputs)
  const name = ['https_proxy', 'HTTPS_PROXY'].find(variable => inputs.env[variable])
  const text = value ?? (name === undefined ? undefined : inputs.env[name])
  return {
    value: text && withoutLogin(text.includes('://') ? text : `http://${text}`),
    origin: value === undefined && name !== undefined ? { from: 'environment', name } : origin,
  }
}

const withoutLogin = (url: string) => url.replace(/^([a-z]+:\/\/).*@/i, '$1[secret]@')

/** What [upload] and [deploy] have where nothing is written, by key. */
const LINEAGE_DEFAULTS: Readonly<Record<string, Plain>> = {
  alias: DEFAULT_ALIAS,
  repeatable: false,
  ...DEPLOY_DEFAULTS,
}

const lineageRows = ({ config }: Inputs, table: 'upload' | 'deploy'): readonly ConfigRow[] =>
  keysAt([table]).map(key => {
    const path = [table, key]
    const written = (config[table] as Readonly<Record<string, Plain | undefined>> | undefined)?.[key]
    return written === undefined
      ? { path, value: LINEAGE_DEFAULTS[key], origin: { from: 'default' } }
      : { path, value: written, origin: { from: 'file', path } }
  })

function sourceRows({ config, elsewhere }: EffectiveConfig): readonly ConfigRow[] {
  if (!elsewhere) return tableRows('source', config.source ?? [])
  const rows = elsewhere.sources.map(({ keys, ...source }) => ({ ...source, ...keys }))
  return tableRows('source', rows).map(row => ({ ...row, origin: elsewhere.origin }))
}

const certificateRows = ({ config }: Inputs) => tableRows('certificate', config.certificate ?? [])

const tableRows = (list: string, tables: readonly object[]): readonly ConfigRow[] =>
  tables.flatMap((table, i) =>
    Object.entries(table).flatMap(([key, value]) => {
      const path = [list, i, key]
      return value === undefined ? [] : [{ path, value, origin: { from: 'file', path } as const }]
    }),
  )

interface PrintOptions {
  readonly file: string | undefined
  readonly positionOf: PositionOf
}

/** Column of the remark. */
const REMARK = 46

/** A configuration that means what is in force, on any machine; only a proxy's password has to be put in. */
export function configToml(rows: readonly ConfigRow[], { file, positionOf }: PrintOptions): string {
  const lines = [
    `# in force; ${file === undefined ? 'there is no configuration file' : `lines are those of ${file}`}`,
  ]
  let table: KeyPath = []
  for (const { path, value, origin } of rows) {
    const parent = path.slice(0, -1)
    if (JSON.stringify(parent) !== JSON.stringify(table)) lines.push('', tomlHeader(parent))
    table = parent
    const key = String(path.at(-1))
    const text = value === undefined ? `#${key} =` : tomlAssignment(key, value)
    lines.push(`${text.padEnd(REMARK)}  # ${value === undefined ? 'not set' : remark(origin, positionOf)}`)
  }
  return `${lines.join('\n')}\n`
}

function remark(origin: Origin, positionOf: PositionOf): string {
  if ('name' in origin) return origin.name
  return origin.from === 'file' ? `line ${positionOf(origin.path)?.line ?? '?'}` : 'default'
}

export const configJson = (rows: readonly ConfigRow[], { file, positionOf }: PrintOptions) => ({
  file: file ?? null,
  settings: rows.map(({ path, value, origin }) => ({
    key: path
      .map((step, i) => (typeof step === 'number' ? `[${step + 1}]` : `${i ? '.' : ''}${step}`))
      .join(''),
    value: value ?? null,
    origin:
      origin.from === 'file' ? { from: 'file', file, line: positionOf(origin.path)?.line ?? null } : origin,
  })),
})
