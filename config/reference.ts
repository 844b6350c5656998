/** docs/configuration.md, made of the schema and of the words in the example configuration: npm run schema */
import { effectiveRows, tomlAssignment } from '../src/config/print.ts'
import type { CommentedTable } from './commented.ts'
import type { Shape } from './schema.ts'

const INTRODUCTION = `# Configuration

ACME clients in their usual directories need no configuration ([clients.md](clients.md)). Other settings go into
\`/etc/certferry/config.toml\`, which is [TOML](https://toml.io). [config/certferry.example.toml](../config/certferry.example.toml)
has every key, commented out. An option overrides an environment variable, and a variable overrides the file. An unknown key is an
error, and all errors are reported at once.

\`~/\` is the home of the user who runs certferry; relative paths start at the folder of the file. An editor with JSON Schema for
TOML (such as Even Better TOML) explains and checks the keys: the example names the schema in its line \`#:schema\`.

A key with the default "not set" has an example instead.
`

/** Tables that may stand several times. */
const heading = ({ name }: CommentedTable, shape: Shape) =>
  shape.type === 'array' ? `[[${name}]]` : `[${name}]`

/** A table of the configuration, for whoever explains it. */
export interface ConfigTable {
  /** `[upload]`; in two brackets where there may be several. */
  readonly heading: string
  readonly words: string
  readonly keys: readonly ConfigKey[]
  /** Which other keys may stand in it. */
  readonly more: string
}

interface ConfigKey {
  readonly key: string
  readonly allowed: string
  /** Undefined if the key has none. */
  readonly defaultValue: string | undefined
  /** Of a key without a default. */
  readonly example: string
  readonly meaning: string
}

export const reference = (tables: readonly ConfigTable[]): string =>
  [INTRODUCTION, ...tables.map(section)].join('\n')

/** Tables whose keys may also stand in a source or certificate. */
const SHARED = ['upload', 'deploy']

export function configTables(tables: readonly CommentedTable[], schema: Shape): readonly ConfigTable[] {
  const sharedKeys = tables
    .filter(({ name }) => SHARED.includes(name))
    .flatMap(({ keys }) => keys.map(({ key }) => key))
  return tables.map(table => {
    const shape = schema.properties?.[table.name] ?? {}
    const properties = (shape.items ?? shape).properties ?? {}
    const shared = (key: string) => shape.type === 'array' && sharedKeys.includes(key)
    const keys = Object.entries(properties).filter(([key]) => !shared(key))
    return {
      heading: heading(table, shape),
      words: table.words,
      keys: keys.map(([key, one]) => ({
        key,
        allowed: allowed(one),
        defaultValue: DEFAULTS.get(`${table.name}.${key}`),
        example: table.keys.find(commented => commented.key === key)?.value ?? '',
        meaning: one.description ?? '',
      })),
      more: Object.keys(properties).some(shared)
        ? `Also any key of ${SHARED.map(name => `[${name}]`).join(' and ')}.`
        : '',
    }
  })
}

/** In TOML, by table and key: what `certferry config print` shows where nothing is given. */
const DEFAULTS: ReadonlyMap<string, string> = new Map(
  effectiveRows({ options: {}, env: {}, config: {}, elsewhere: undefined }).flatMap(({ path, value }) =>
    value === undefined ? [] : [[path.join('.'), tomlAssignment('_', value).slice('_ = '.length)] as const],
  ),
)

const code = (text: string) => `\`${text}\``

function section({ heading, words, keys, more }: ConfigTable): string {
  const rows = keys.map(({ key, allowed, defaultValue, example, meaning }) => {
    const values = defaultValue === undefined ? `not set | ${code(example)}` : `${code(defaultValue)} | `
    return `| ${code(key)} | ${allowed.replace(/"\w[^"]*"|true|false/g, code)} | ${values} | ${meaning.replaceAll('|', '\\|')} |`
  })
  return [
    `## ${heading}\n`,
    ...(words ? [`${words}\n`] : []),
    '| key | value | default | example | meaning |',
    '|---|---|---|---|---|',
    ...rows,
    ...(more ? [`\n${more.replace(/\[\w+\]/g, code)}`] : []),
    '',
  ].join('\n')
}

function allowed({ type, enum: choices, minimum, maximum, items, anyOf }: Shape): string {
  if (anyOf) return anyOf.map(allowed).join(' or ')
  if (choices) return choices.map(choice => `"${choice}"`).join(', ')
  if (items) return `a list of ${allowed(items)}`
  if (type === 'integer' || type === 'number') {
    const what = type === 'integer' ? 'whole number' : 'number'
    if (minimum !== undefined && maximum !== undefined) return `${what} from ${minimum} to ${maximum}`
    return minimum === undefined ? what : `${what} from ${minimum}`
  }
  return { string: 'text', boolean: 'true, false', object: 'table of texts' }[type ?? ''] ?? type ?? ''
}
