import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describePathProblem, firstDeniedPath } from '../../src/doctor/certificates.ts'
import { asNobody } from '../fixtures/asNobody.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

async function treeFixture() {
  const root = await temporaryDirectory()
  await chmod(root, 0o755)
  await mkdir(join(root, 'live/a'), { recursive: true })
  await mkdir(join(root, 'archive/a'), { recursive: true })
  await writeFile(join(root, 'archive/a/key1.pem'), 'x', { mode: 0o600 })
  await symlink('../../archive/a/key1.pem', join(root, 'live/a/key.pem'))
  return { root, link: join(root, 'live/a/key.pem') }
}

const deniedToNobody = (path: string) => asNobody(async () => firstDeniedPath(path))

test('a readable or missing path, and links in a circle, have no denied path', async () => {
  const { link, root } = await treeFixture()
  await symlink('ring', join(root, 'ring'))
  for (const path of [link, root, '/', join(root, 'other/x.pem'), join(root, 'ring'), join(link, 'x')])
    expect(firstDeniedPath(path)).toBeUndefined()
})

test('a link to nothing is reported with the end of all links', async () => {
  const { root } = await treeFixture()
  const [one, two] = [join(root, 'one'), join(root, 'two')]
  await symlink('archive/a/key2.pem', two)
  await symlink(two, one)
  const missing = join(root, 'archive/a/key2.pem')
  expect(firstDeniedPath(one)).toEqual({ kind: 'dangling', link: one, missing })
})

test('a folder that this user cannot enter is reported, also behind a link', async () => {
  const { root, link } = await treeFixture()
  await chmod(join(root, 'archive'), 0o700)
  expect(await deniedToNobody(link)).toMatchObject({
    kind: 'closed',
    path: join(root, 'archive'),
    mode: 0o700,
  })
})

test('an unreadable file, or a folder that can be entered and not listed, is reported', async () => {
  const { root, link } = await treeFixture()
  const path = join(root, 'archive/a/key1.pem')
  expect(await deniedToNobody(link)).toMatchObject({ kind: 'closed', path, mode: 0o600 })
  await chmod(join(root, 'live'), 0o711)
  expect(await deniedToNobody(join(root, 'live'))).toMatchObject({ kind: 'closed', mode: 0o711 })
})

const ROOT = { uid: 0, name: 'root' }
const USER = { uid: 1000, name: 'me' }

test('a link to nothing is described with both its ends', () => {
  const dangling = { kind: 'dangling', link: '/l/live/a/x.pem', missing: '/l/archive/a/x1.pem' } as const
  expect(describePathProblem('certbot:a', dangling, ROOT)).toMatchObject({
    says: 'certbot:a: /l/live/a/x.pem leads to /l/archive/a/x1.pem, which does not exist',
    command: 'ls -l /l/live/a/x.pem',
  })
})

test('an unreadable folder is described with its mode and owner; only a user is advised to become root', () => {
  const closed = { kind: 'closed', path: '/l/live', mode: 0o700, uid: 0 } as const
  expect(describePathProblem('certbot:a', closed, USER)).toMatchObject({
    says: 'certbot:a: /l/live is not readable for me (mode 0700, owner root)',
    command: 'sudo certferry check',
  })
  expect(describePathProblem('a', { ...closed, uid: 33 }, USER).says).toContain('owner uid 33')
  const forRoot = describePathProblem('certbot:a', closed, ROOT)
  expect(forRoot.advice).toContain('Even root')
  expect(forRoot.command).toBeUndefined()
})
