import { chmod, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { TreeKind } from '../../src/acme/clients.ts'
import { directoryIdentity, watchScopeOf } from '../../src/sources/watchScope.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const certbot = (path: string) => ({ kind: 'certbot', path, keys: {} }) as const

async function stage() {
  const root = await temporaryDirectory()
  const live = join(root, 'live')
  for (const name of ['a.example', 'b.example']) await mkdir(join(live, name), { recursive: true })
  return { root, live }
}

test('a path belongs to the lineage whose folder holds it, and what is above them to the source as a whole', async () => {
  const { root, live } = await stage()
  const { folders, lineageOf: nameIn } = await watchScopeOf(certbot(root))
  expect(folders).toEqual([live])
  expect(nameIn(join(live, 'a.example', 'privkey.pem'))).toBe('a.example')
  expect(nameIn(join(live, 'a.example'))).toBe('a.example')
  for (const path of [live, root, join(root, 'live-old', 'a.example')]) expect(nameIn(path)).toBeUndefined()
})

test('links to folders are watched where they lead; links to files, or to nowhere, are not', async () => {
  const { root, live } = await stage()
  const far = join(root, 'far')
  await mkdir(far)
  await symlink('../far', join(live, 'far.example'))
  await symlink('b.example', join(live, 'alias.example'))
  await symlink('nowhere', join(live, 'dangling.example'))
  await symlink('/etc/hostname', join(live, 'file.example'))
  const { folders, lineageOf: nameIn } = await watchScopeOf(certbot(root))
  expect(new Set(folders)).toEqual(new Set([live, far, join(live, 'b.example')]))
  expect(nameIn(join(far, 'fullchain.pem'))).toBe('far.example')
  expect(nameIn(far)).toBe('far.example')
  // whose of the two it is nobody can tell
  expect(nameIn(join(live, 'b.example', 'fullchain.pem'))).toBeUndefined()
})

// inotify cannot watch a folder that may not be read, and tells nobody when it may
test('a folder whose rights have changed is another one', async () => {
  const { root, live } = await stage()
  const view = await watchScopeOf(certbot(root))
  await chmod(live, 0o700)
  const before = await directoryIdentity(view)
  expect(await directoryIdentity(view)).toBe(before)
  await mkdir(join(live, 'c.example'))
  expect(await directoryIdentity(view)).toBe(before)
  await chmod(live, 0o755)
  expect(await directoryIdentity(view)).not.toBe(before)
})

describe('what lies beside certificates', () => {
  const folder = (kind: TreeKind, path: string) => ({ kind, path, keys: {} }) as const

  test.each<
    [TreeKind, noise: readonly string[], whole: readonly string[], named: ReadonlyArray<[string, string]>]
  >([
    ['acme.sh', ['ca', 'ca/acme.example/account.json'], [''], [['a.example_ecc/a.key', 'a.example_ecc']]],
    ['lego', ['certificates/README'], ['certificates'], [['certificates/a.example.key', 'a.example']]],
    ['uacme', ['private', 'private/a.example'], [''], [['a.example/cert.pem', 'a.example']]],
    [
      'caddy',
      ['certificates/local/localhost', 'certificates/local/localhost/localhost.crt'],
      ['certificates', 'certificates/issuer'],
      [
        ['certificates/issuer/a.example', 'a.example@issuer'],
        ['certificates/issuer/a.example/a.example.crt', 'a.example@issuer'],
      ],
    ],
  ])('is no reason to look, with %s', async (kind, noise, whole, named) => {
    const root = await temporaryDirectory()
    const { lineageOf: nameIn, isIgnored: isNoise } = await watchScopeOf(folder(kind, root))
    expect(noise.filter(path => !isNoise(join(root, path)))).toEqual([])
    for (const path of whole)
      expect([isNoise(join(root, path)), nameIn(join(root, path))]).toEqual([false, undefined])
    for (const [path, name] of named)
      expect([isNoise(join(root, path)), nameIn(join(root, path))]).toEqual([false, name])
  })
})
