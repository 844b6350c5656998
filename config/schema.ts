/** The configuration's JSON Schema, for editors that check TOML as it is typed and explain each key: npm run schema */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { toJsonSchema } from '@valibot/to-json-schema'
import { ConfigSchema } from '../src/config/schema.ts'
import { type CommentedTable, commentedTables } from './commented.ts'

/** What of JSON Schema is used here. */
export interface Shape {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly description?: string
}

/** Rules over several keys at once have no counterpart in JSON Schema; the program itself checks them. */
const bare = toJsonSchema(ConfigSchema, { errorMode: 'ignore' }) as Shape

export const readExample = () =>
  readFile(resolve(import.meta.dirname, 'certferry.example.toml'), 'utf8').then(commentedTables)

/** Each key with the words that the example configuration has for it. */
export function explained(tables: readonly CommentedTable[], shape: Shape = bare): Shape {
  const wordsOf = (table: string, key: string) =>
    tables.find(({ name }) => name === table)?.keys.find(one => one.key === key)?.words ||
    // any key of [upload] and [deploy] may stand in a source and in an override
    tables
      .filter(({ name }) => name === 'upload' || name === 'deploy')
      .flatMap(({ keys }) => keys)
      .find(one => one.key === key)?.words
  const keys = (table: string, of: Shape): Shape => ({
    ...of,
    properties: Object.fromEntries(
      Object.entries(of.properties ?? {}).map(([key, one]) => {
        const description = wordsOf(table, key)
        return [key, description ? { description, ...one } : one]
      }),
    ),
  })
  const table = ([name, of]: readonly [string, Shape]) =>
    [name, of.items ? { ...of, items: keys(name, of.items) } : keys(name, of)] as const
  return { ...shape, properties: Object.fromEntries(Object.entries(shape.properties ?? {}).map(table)) }
}
