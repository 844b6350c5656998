/** What docs/clients.md says of each ACME client is what the program takes. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { CLIENTS, FOLDER_KINDS } from '../src/acme/clients.ts'
import { parseToml } from '../src/config/toml.ts'
import { readConfig } from '../src/config/validate.ts'

const text = await readFile('docs/clients.md', 'utf8')

test('every configuration is one that the program takes, and every client has its own', () => {
  const blocks = [...text.matchAll(/^```toml\n(.*?)^```/gms)].map(([, block = '']) =>
    readConfig(parseToml(block).value),
  )
  for (const reading of blocks) expect(reading.problems).toEqual([])
  const kinds = blocks.flatMap(({ config }) => config.source ?? [])
  expect(kinds.map(({ kind }) => kind).filter(kind => kind !== 'pem')).toEqual(FOLDER_KINDS)
})

test('every client has its usual place', () => {
  const rows = [...text.matchAll(/^\| (\S+) \| `([^`]+)` \| `([^`:]+):/gm)]
  expect(rows.map(([, , place, kind]) => [kind, place])).toEqual(
    FOLDER_KINDS.map(kind => [kind, CLIENTS[kind].directory('~')]),
  )
})
