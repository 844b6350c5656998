/** docs/configuration.md, made of the schema and of the words in the example configuration: npm run schema */
import type { CommentedTable } from './commented.ts'
import type { Shape } from './schema.ts'

const INTRODUCTION = `# Configuration

None is needed for ACME clients in their usual places ([clients.md](clients.md)). What differs goes to \`/etc/certferry/config.toml\`, which is
[TOML](https://toml.io); [config/certferry.example.toml](../config/certferry.example.toml) has every key, commented out, at
its default. An option overrides an environment variable, that the file, and the file the default. An unknown key is an error,
and all errors are reported at once.

Paths: \`~/\` is the home of the user who runs certferry; others are relative to the file. An editor that understands JSON
Schema in TOML (Even Better TOML, for instance) explains and checks the keys as they are typed, by the line \`#:schema\` at
the beginning of the example. This page is made of the program's own schema and of that example.
`

/** Tables that may stand several times. */
const heading = ({ name }: CommentedTable, shape: Shape) =>
  shape.type === 'array' ? `[[${name}]]` : `[${name}]`

export const reference = (tables: readonly CommentedTable[], schema: Shape): string =>
  [INTRODUCTION, ...tables.map(table => section(table, schema.properties?.[table.name] ?? {}, tables))].join(
    '\n',
  )

/** Tables whose keys may also stand in a source or certificate. */
const SHARED = ['upload', 'deploy']

function section(table: CommentedTable, shape: Shape, tables: readonly CommentedTable[]): string {
  const properties = (shape.items ?? shape).properties ?? {}
  const isShared = ({ name }: CommentedTable) => SHARED.includes(name)
  const sharedKeys = tables.filter(isShared).flatMap(({ keys }) => keys.map(({ key }) => key))
  const shared = (key: string) => shape.type === 'array' && sharedKeys.includes(key)
  const rows = Object.entries(properties)
    .filter(([key]) => !shared(key))
    .map(([key, one]) => row(key, one, table.keys.find(commented => commented.key === key)?.value ?? ''))
  const words = table.words ? [`${table.words}\n`] : []
  const more = Object.keys(properties).some(shared)
    ? [`\nAnd any key of ${SHARED.map(name => `\`[${name}]\``).join(' and ')}.`]
    : []
  return [
    `## ${heading(table, shape)}\n`,
    ...words,
    '| key | what it may be | in the example | meaning |',
    '|---|---|---|---|',
    ...rows,
    ...more,
    '',
  ].join('\n')
}

const row = (key: string, shape: Shape, value: string) =>
  `| \`${key}\` | ${allowed(shape)} | \`${value}\` | ${(shape.description ?? '').replaceAll('|', '\\|')} |`

function allowed({ type, enum: choices, minimum, maximum, items, anyOf }: Shape): string {
  if (anyOf) return anyOf.map(allowed).join(' or ')
  if (choices) return choices.map(choice => `\`"${choice}"\``).join(', ')
  if (items) return `a list of ${allowed(items)}`
  if (type === 'integer' || type === 'number') {
    const what = type === 'integer' ? 'whole number' : 'number'
    if (minimum !== undefined && maximum !== undefined) return `${what} from ${minimum} to ${maximum}`
    return minimum === undefined ? what : `${what} from ${minimum}`
  }
  return { string: 'text', boolean: '`true`, `false`', object: 'table of texts' }[type ?? ''] ?? type ?? ''
}
