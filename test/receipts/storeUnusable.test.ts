import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { asNobody } from '../fixtures/asNobody.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { prepareOnFullDisk } from './stateDamage.ts'
import { LINEAGE, readyStage, stage, uploadedAs } from './stateDirectory.ts'

describe('a state directory that cannot be used is found out before anything is uploaded', () => {
  const unusable = (code: string) => ({
    code: 'STATE_DIR_UNUSABLE',
    exit: 74,
    scope: 'account',
    message: expect.stringMatching(new RegExp(`^the state directory /.* cannot be used \\(${code}\\)$`)),
  })

  test('because it may not be written', async () => {
    const { dir, receipts } = await readyStage()
    await chmod(join(dir, '..'), 0o755)
    await chmod(join(dir, '..', '..'), 0o755)
    await chmod(dir, 0o555)
    await asNobody(() => expect(receipts.prepare()).rejects.toMatchObject(unusable('EACCES')))
    await chmod(dir, 0o700)
  })

  test('because it cannot be made', async () => {
    const file = join(await temporaryDirectory(), 'file')
    await writeFile(file, '')
    await expect((await stage(join(file, 'state'))).receipts.prepare()).rejects.toMatchObject(
      unusable('ENOTDIR'),
    )
    await expect((await stage(file)).receipts.prepare()).rejects.toMatchObject(unusable('ENOTDIR'))
  })

  test('because the disk is full', async () => {
    const dir = await temporaryDirectory()
    expect(prepareOnFullDisk(dir)).toEqual({
      code: 'STATE_DIR_UNUSABLE',
      message: `the state directory ${dir} cannot be used (EIO)`,
    })
    expect(await readdir(dir)).toEqual(['state.db', 'state.db-journal'])
  })

  test('and one that disappeared meanwhile is no empty one', async () => {
    const { receipts } = await stage('/nowhere/state')
    expect(await receipts.all()).toEqual([])
    await expect(receipts.record(LINEAGE, uploadedAs('id'))).rejects.toMatchObject(unusable('ENOENT'))
  })
})
