import { execFileSync } from 'node:child_process'
import { cp, readdir, readFile, readlink, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { damages } from './stateDamage.ts'
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
