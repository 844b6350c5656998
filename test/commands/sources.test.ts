import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { holds, presentSources } from '../../src/commands/sources.ts'
import { FOLDER_KINDS } from '../../src/core/lineage.ts'
import { lineageIn, usualSources } from '../../src/core/lineageIn.ts'
import { settle } from '../../src/core/settings.ts'
import { temporaryDirectory } from '../support/temporary.ts'

test('every client has a usual place, and those that are there are looked at', async () => {
  const home = await temporaryDirectory()
  expect(usualSources(home).map(({ kind }) => kind)).toEqual(FOLDER_KINDS)
  await mkdir(join(home, '.lego'))
  await mkdir(join(home, '.acme.sh'))
  const found = await presentSources(home)
  expect(found).toContainEqual({ kind: 'lego', path: join(home, '.lego'), keys: {} })
  expect(found).toContainEqual({ kind: 'acme.sh', path: join(home, '.acme.sh'), keys: {} })
})

test('a lineage belongs to the source that it was found in, be that a folder or one file', () => {
  const { uploadOf } = settle({}, {}, {})
  for (const kind of FOLDER_KINDS) {
    const [source, other] = ['/srv/one', '/srv/one-more'].map(path => ({ kind, path, keys: {} }))
    if (!source || !other) continue
    const lineage = lineageIn(source, 'a.example@issuer', uploadOf)
    expect([kind, holds(source, lineage), holds(other, lineage)]).toEqual([kind, true, false])
    if (kind !== 'traefik') expect(holds({ ...source, path: '/srv/one/' }, lineage)).toBe(true)
  }
})
