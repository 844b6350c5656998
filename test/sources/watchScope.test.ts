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
  const { folders, lineageOf } = await watchScopeOf(certbot(root))
  expect(folders).toEqual([live])
  expect(lineageOf(join(live, 'a.example', 'privkey.pem'))).toBe('a.example')
  expect(lineageOf(join(live, 'a.example'))).toBe('a.example')
  for (const path of [live, root, join(root, 'live-old', 'a.example')])
    expect(lineageOf(path)).toBeUndefined()
})

test('links to folders are watched where they lead; links to files, or to nowhere, are not', async () => {
  const { root, live } = await stage()
  const far = join(root, 'far')
  await mkdir(far)
  await symlink('../far', join(live, 'far.example'))
  await symlink('b.example', join(live, 'alias.example'))
  await symlink('nowhere', join(live, 'dangling.example'))
  await symlink('/etc/hostname', join(live, 'file.example'))
  const { folders, lineageOf } = await watchScopeOf(certbot(root))
  expect(new Set(folders)).toEqual(new Set([live, far, join(live, 'b.example')]))
  expect(lineageOf(join(far, 'fullchain.pem'))).toBe('far.example')
  expect(lineageOf(far)).toBe('far.example')
  // either of the two
  expect(lineageOf(join(live, 'b.example', 'fullchain.pem'))).toBeUndefined()
})

// inotify cannot watch a folder that may not be read, and makes no event when it may
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
  ])('is ignored with %s', async (kind, noise, whole, named) => {
    const root = await temporaryDirectory()
    const { lineageOf, isIgnored } = await watchScopeOf(folder(kind, root))
    expect(noise.filter(path => !isIgnored(join(root, path)))).toEqual([])
    for (const path of whole)
      expect([isIgnored(join(root, path)), lineageOf(join(root, path))]).toEqual([false, undefined])
    for (const [path, name] of named)
      expect([isIgnored(join(root, path)), lineageOf(join(root, path))]).toEqual([false, name])
  })
})
