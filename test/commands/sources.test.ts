import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FOLDER_KINDS } from '../../src/acme/clients.ts'
import { resolveSettings } from '../../src/config/settings.ts'
import { containsLineage, existingSources } from '../../src/sources/discover.ts'
import { lineageIn, usualSources } from '../../src/sources/lineage.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

test('every client has a usual place, and those that are there are read', async () => {
  const home = await temporaryDirectory()
  expect(usualSources(home).map(({ kind }) => kind)).toEqual(FOLDER_KINDS)
  await mkdir(join(home, '.lego'))
  await mkdir(join(home, '.acme.sh'))
  const found = existingSources(home)
  expect(found).toContainEqual({ kind: 'lego', path: join(home, '.lego'), keys: {} })
  expect(found).toContainEqual({ kind: 'acme.sh', path: join(home, '.acme.sh'), keys: {} })
})

test('a lineage belongs to the source that it was found in, be that a folder or one file', () => {
  const { forLineage } = resolveSettings({}, {}, {})
  for (const kind of FOLDER_KINDS) {
    const [source, other] = ['/srv/one', '/srv/one-more'].map(path => ({ kind, path, keys: {} }))
    if (!source || !other) continue
    const lineage = lineageIn(source, 'a.example@issuer', forLineage)
    expect([kind, containsLineage(source, lineage), containsLineage(other, lineage)]).toEqual([
      kind,
      true,
      false,
    ])
    if (kind !== 'traefik') expect(containsLineage({ ...source, path: '/srv/one/' }, lineage)).toBe(true)
  }
})
