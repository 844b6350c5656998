import { execFileSync } from 'node:child_process'
import { chmod, cp, readdir, readFile, readlink, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { asNobody } from '../fixtures/asNobody.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { damages, prepareOnFullDisk } from './stateDamage.ts'
import { ASIDE, FILES, LINEAGE, readyStage, stage, uploadedAs } from './stateDirectory.ts'

describe('in the place of the database', () => {
  test.each(damages)('%s is set aside with a warning, and the receipt learned again', async (_, make) => {
    const { dir, file, receipts, damaged } = await stage(await temporaryDirectory())
    await make(file)
    expect(await receipts.all()).toEqual([])
    expect((await receipts.recall(LINEAGE)).uploaded).toBeUndefined()
    expect((await readdir(dir)).filter(name => name.includes('damaged'))).toEqual([])
    await receipts.record(LINEAGE, uploadedAs('again'))
    expect(damaged.at(-1)).toBe(`${file} → ${join(dir, ASIDE)}`)
    expect((await receipts.recall(LINEAGE)).uploaded?.certificateId).toBe('again')
    expect((await readdir(dir)).filter(name => !name.startsWith('state.db.damaged')).sort()).toEqual(FILES)
  })

  test('a planted link is never followed: what it points at is neither read nor written', async () => {
    for (const content of ['mine', '']) {
      const { dir, file, receipts } = await stage(await temporaryDirectory())
      const target = join(dir, 'target')
      await writeFile(target, content)
      await symlink(target, file)
      await receipts.record(LINEAGE, uploadedAs('id'))
      expect(await readFile(target, 'utf8')).toBe(content)
      expect(await readlink(join(dir, ASIDE))).toBe(target)
    }
  })

  test('what is found by two at the same time is set aside once, and nothing learned since is lost', async () => {
    const { dir, file, receipts, damaged } = await stage(await temporaryDirectory())
    await writeFile(file, '{')
    const second = await stage(dir)
    await Promise.all([
      receipts.record(LINEAGE, uploadedAs('one')),
      second.receipts.record(LINEAGE, uploadedAs('two')),
    ])
    const { uploaded, superseded } = await receipts.recall(LINEAGE)
    expect([uploaded, ...superseded].map(one => one?.certificateId).sort()).toEqual(['one', 'two'])
    expect([...damaged, ...second.damaged]).toHaveLength(1)
  })
})

test('cut off at any page, the database is set aside and nothing crashes', async () => {
  const { file, receipts } = await readyStage()
  for (let i = 0; i < 60; i++) await receipts.record(`certbot:${i}.example`, uploadedAs(`id${i}`))
  const { length } = await readFile(file)
  for (let size = 4096; size < length; size += 4096) {
    const cut = await stage(await temporaryDirectory())
    await cp(file, cut.file)
    await truncate(cut.file, size)
    await cut.receipts.all()
    await cut.receipts.record(LINEAGE, uploadedAs('again'))
    expect((await cut.receipts.recall(LINEAGE)).uploaded?.certificateId).toBe('again')
    expect(cut.damaged.length).toBeGreaterThan(0)
  }
})

test('a record that is not as it should be is said, and learned again', async () => {
  const { file, receipts, damaged } = await readyStage()
  await receipts.record(LINEAGE, uploadedAs('id'))
  await receipts.record('pem:whole', uploadedAs('whole'))
  const db = new DatabaseSync(file)
  db.exec(`UPDATE lineages SET not_after = 'tomorrow' WHERE name = '${LINEAGE}'`)
  db.close()
  expect((await receipts.all()).map(({ lineage }) => lineage)).toEqual(['pem:whole'])
  expect(receipts.unreadable()).toEqual([`${file}: the record of ${LINEAGE}`])
  expect((await receipts.recall(LINEAGE)).uploaded).toBeUndefined()
  await receipts.record(LINEAGE, uploadedAs('again'))
  expect((await receipts.recall(LINEAGE)).uploaded?.certificateId).toBe('again')
  expect(damaged).toEqual([`${file}: the record of ${LINEAGE}`])
})

test('after a process was killed in the middle of a write, readers change nothing and the next write completes the rest', async () => {
  const { dir, file, receipts } = await readyStage()
  await receipts.record(LINEAGE, uploadedAs('id'))
  // more pages than its cache holds: some are in the file before the transaction ends
  const script = `
    const { DatabaseSync } = require('node:sqlite')
    const db = new DatabaseSync(process.argv[1])
    db.exec("PRAGMA cache_size = 1; PRAGMA journal_mode = TRUNCATE; BEGIN IMMEDIATE")
    db.exec("UPDATE lineages SET certificate_id = 'half'; UPDATE write_probe SET filler = randomblob(500000)")
    process.kill(process.pid, 'SIGKILL')`
  expect(() => execFileSync(execPath, ['--eval', script, file], { stdio: 'pipe' })).toThrow()
  const before = await readFile(file)
  const reader = await stage(dir)
  expect(await reader.receipts.all()).toEqual([])
  expect(reader.damaged).toEqual([file])
  expect((await readFile(file)).equals(before)).toBe(true)
  const writer = await stage(dir)
  await writer.receipts.prepare()
  expect((await writer.receipts.recall(LINEAGE)).uploaded?.certificateId).toBe('id')
  expect(writer.damaged).toEqual([])
})

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
