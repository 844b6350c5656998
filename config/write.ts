/** `npm run schema`: writes what is made of the configuration's schema. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { configTables, reference } from './reference.ts'
import { explained, readExample } from './schema.ts'

const tables = await readExample()
const schema = explained(tables)
const place = (path: string) => resolve(import.meta.dirname, path)
await writeFile(place('schema.json'), `${JSON.stringify(schema, null, 2)}\n`)
await writeFile(place('../docs/configuration.md'), reference(configTables(tables, schema)))
