/** Writes the configuration's JSON Schema, for editors that check TOML as it is typed: npm run schema */
import { stdout } from 'node:process'
import { toJsonSchema } from '@valibot/to-json-schema'
import { ConfigSchema } from '../src/core/config.ts'

/** Rules over several keys at once have no counterpart in JSON Schema; the program itself checks them. */
export const schema = toJsonSchema(ConfigSchema, { errorMode: 'ignore' })

if (import.meta.main) stdout.write(`${JSON.stringify(schema, null, 2)}\n`)
