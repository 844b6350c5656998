import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { firstDeniedPath } from '../../src/doctor/certificates.ts'
import { asNobody } from '../fixtures/asNobody.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

async function tree() {
  const root = await temporaryDirectory()
  await chmod(root, 0o755)
  await mkdir(join(root, 'live/a'), { recursive: true })
  await mkdir(join(root, 'archive/a'), { recursive: true })
  await writeFile(join(root, 'archive/a/key1.pem'), 'x', { mode: 0o600 })
  await symlink('../../archive/a/key1.pem', join(root, 'live/a/key.pem'))
  return { root, link: join(root, 'live/a/key.pem') }
}

describe('why a file cannot be read', () => {
  test('is nothing where it can be', async () => {
    const { link, root } = await tree()
    expect(await firstDeniedPath(link)).toBeUndefined()
    expect(await firstDeniedPath(root)).toBeUndefined()
    expect(await firstDeniedPath('/')).toBeUndefined()
  })

  test('is no obstacle but an absence where nothing is there and no link leads to it', async () => {
    expect(await firstDeniedPath(join((await tree()).root, 'other/x.pem'))).toBeUndefined()
  })

  test('is a link that leads nowhere, told with the end of all links', async () => {
    const { root } = await tree()
    const [one, two] = [join(root, 'one'), join(root, 'two')]
    await symlink('archive/a/key2.pem', two)
    await symlink(two, one)
    expect(await firstDeniedPath(one)).toEqual({
      kind: 'dangling',
      link: one,
      missing: join(root, 'archive/a/key2.pem'),
    })
  })

  test('is nothing that can be named where links go round in a circle', async () => {
    const { root } = await tree()
    await symlink('ring', join(root, 'ring'))
    expect(await firstDeniedPath(join(root, 'ring'))).toBeUndefined()
  })

  test('is the folder that lets this user not in, also behind a link', async () => {
    const { root, link } = await tree()
    await chmod(join(root, 'archive'), 0o700)
    const obstacle = await asNobody(() => firstDeniedPath(link))
    expect(obstacle).toMatchObject({ kind: 'closed', path: join(root, 'archive'), mode: 0o700 })
  })

  test('is the file itself, or a folder that may be entered and not listed', async () => {
    const { root, link } = await tree()
    expect(await asNobody(() => firstDeniedPath(link))).toMatchObject({
      kind: 'closed',
      path: join(root, 'archive/a/key1.pem'),
      mode: 0o600,
    })
    await chmod(join(root, 'live'), 0o711)
    expect(await asNobody(() => firstDeniedPath(join(root, 'live')))).toMatchObject({
      kind: 'closed',
      mode: 0o711,
    })
  })
})
