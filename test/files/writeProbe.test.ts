import { chmod, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { probeDirectory } from '../../src/files/writeProbe.ts'
import { asNobody, isRoot } from '../fixtures/asNobody.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

describe('whether files could be written is found out without writing', () => {
  test('to a directory that is there', async () => {
    const dir = await temporaryDirectory()
    for (const name of ['state.db', 'notes.txt']) await writeFile(join(dir, name), '')
    const before = await readdir(dir)
    expect(await probeDirectory(dir)).toEqual({
      there: true,
      nearest: dir,
      refusal: undefined,
    })
    expect(await readdir(dir)).toEqual(before)
  })

  test('to one that is to be made, by the nearest above it', async () => {
    const dir = await temporaryDirectory()
    expect(await probeDirectory(join(dir, 'var/lib'))).toMatchObject({
      there: false,
      nearest: dir,
      refusal: undefined,
    })
    expect(await readdir(dir)).toEqual([])
  })

  test('to one that is closed, or whose parent is', async () => {
    const dir = await temporaryDirectory()
    await mkdir(join(dir, 'state'))
    await chmod(dir, 0o755)
    await chmod(join(dir, 'state'), 0o555)
    expect(await asNobody(() => probeDirectory(join(dir, 'state')))).toMatchObject({
      there: true,
      refusal: 'EACCES',
    })
    expect(await asNobody(() => probeDirectory(join(dir, 'state/deep')))).toMatchObject({
      there: false,
      refusal: 'EACCES',
    })
  })

  test('to one behind a closed folder, as those of a dynamic user are', async () => {
    const dir = await temporaryDirectory()
    await chmod(dir, 0o755)
    await mkdir(join(dir, 'private/certferry'), { recursive: true })
    await chmod(join(dir, 'private'), 0o700)
    await symlink('private/certferry', join(dir, 'certferry'))
    if (isRoot)
      expect(await asNobody(() => probeDirectory(join(dir, 'certferry')))).toMatchObject({
        there: true,
        refusal: 'EACCES',
      })
    await rm(join(dir, 'private'), { recursive: true })
    expect(await probeDirectory(join(dir, 'certferry'))).toMatchObject({ there: true, refusal: 'ENOENT' })
  })

  test('to a file', async () => {
    const file = join(await temporaryDirectory(), 'file')
    await writeFile(file, '')
    expect(await probeDirectory(file)).toMatchObject({ refusal: 'ENOTDIR' })
    expect(await probeDirectory(join(file, 'below'))).toMatchObject({
      there: false,
      nearest: file,
      refusal: 'ENOTDIR',
    })
  })
})
