import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import { emptyReceipt, type Receipt } from '../../src/receipts/receipt.ts'
import { receiptWith } from '../fixtures/samples.ts'
import { oldFileName, oldFileText } from '../fixtures/state.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { recordingElsewhere } from './concurrentRecorders.ts'
import { FILES, LINEAGE, NOW, readyStage, stage, upload, uploadedAs } from './stateDirectory.ts'

/** The current one and those before it, in any order. */
const idsIn = ({ uploaded, superseded }: Receipt) =>
  [uploaded, ...superseded].flatMap(one => (one ? [one.certificateId] : [])).sort()

describe('a receipt', () => {
  test('comes back as it was written, and another process reads the same', async () => {
    const { dir, receipts } = await readyStage()
    await receipts.record(LINEAGE, uploadedAs('first'))
    await receipts.record(LINEAGE, uploadedAs('second'))
    const { receipts: others } = await stage(dir)
    expect(await others.recall(LINEAGE)).toMatchObject({
      lineage: LINEAGE,
      uploaded: upload('second'),
      superseded: [{ certificateId: 'first', supersededAt: NOW.toISOString() }],
    })
    expect(await others.all()).toEqual([await receipts.recall(LINEAGE)])
  })

  test('without stamps or without a place shows nothing of its files to a run over all', async () => {
    const { receipts } = await readyStage()
    const files = { chain: '1:2:3:4', key: null }
    const { certificateId, endpoint } = upload('id')
    await receipts.record('pem:a', () => receiptWith({ path: '/a', uploaded: { ...upload('id'), files } }))
    await receipts.record('pem:b', () => receiptWith({ lineage: 'pem:b', path: '/b' }))
    await receipts.record('pem:c', () =>
      receiptWith({ lineage: 'pem:c', uploaded: { ...upload('id'), files } }),
    )
    expect([...(await receipts.standings()).values()]).toEqual([
      { certificateId, endpoint, files, changesAt: null },
    ])
  })

  test('is read by statements that are prepared once, five for all receipts together', async () => {
    const { receipts } = await readyStage()
    for (const name of ['pem:a', 'pem:b']) await receipts.record(name, () => receiptWith({ lineage: name }))
    const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare')
    await receipts.recall('pem:a')
    prepare.mockClear()
    await receipts.recall('pem:b')
    expect(prepare).not.toHaveBeenCalled()
    expect(await receipts.all()).toHaveLength(2)
    expect(prepare).toHaveBeenCalledTimes(5)
    prepare.mockClear()
    await receipts.standings()
    expect(prepare).toHaveBeenCalledTimes(1)
    prepare.mockRestore()
  })

  test('of a lineage never seen is empty, and reading it writes nothing', async () => {
    const { dir, receipts } = await stage()
    expect(await receipts.recall('pem:new')).toEqual(emptyReceipt('pem:new'))
    expect(await receipts.all()).toEqual([])
    await expect(readdir(dir)).rejects.toThrow('ENOENT')
  })

  test('is for its owner alone, and so is the directory made for it', async () => {
    const { dir, receipts } = await readyStage()
    await receipts.record(LINEAGE, uploadedAs('id'))
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
    expect((await readdir(dir)).sort()).toEqual(FILES)
    for (const name of FILES) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600)
  })

  test('that an amendment refuses stays as it was', async () => {
    const { receipts } = await readyStage()
    await receipts.record(LINEAGE, uploadedAs('old'))
    const refusing = receipts.record(LINEAGE, () => {
      throw new RangeError('no')
    })
    await expect(refusing).rejects.toThrow('no')
    expect((await receipts.recall(LINEAGE)).uploaded?.certificateId).toBe('old')
  })

  test('is forgotten with all that is known of it, and no other', async () => {
    const { receipts } = await readyStage()
    const full = receiptWith({
      lineage: LINEAGE,
      superseded: [{ ...upload('s'), supersededAt: NOW.toISOString() }],
    })
    await receipts.record(LINEAGE, () => full)
    await receipts.record('pem:other', uploadedAs('other'))
    expect([await receipts.forget(LINEAGE), await receipts.forget(LINEAGE)]).toEqual([true, false])
    expect(await receipts.recall(LINEAGE)).toEqual(emptyReceipt(LINEAGE))
    expect((await receipts.all()).map(({ lineage }) => lineage)).toEqual(['pem:other'])
  })
})

test.each([
  'certbot:*.example.com',
  'pem:../../etc/passwd',
  `certbot:${'a'.repeat(255)}`,
  'pem:证书',
  "pem:'; DROP TABLE lineages; --",
  'pem:a\0b',
])('any name is one of its own: %j', async name => {
  const { receipts } = await readyStage()
  await receipts.record(name, uploadedAs('id'))
  await receipts.record(`${name}x`, uploadedAs('other'))
  expect((await receipts.recall(name)).uploaded?.certificateId).toBe('id')
})

describe('processes that record at the same time', () => {
  test('lose nothing that another has recorded, from the creation of the database on', async () => {
    const { dir, receipts } = await stage()
    const recorded = await recordingElsewhere(dir, LINEAGE, { processes: 8, uploads: 4 })
    expect(idsIn(await receipts.recall(LINEAGE))).toEqual([...recorded].sort())
    expect((await readdir(dir)).sort()).toEqual(FILES)
  })

  test('and two stores in one process neither', async () => {
    const { dir, receipts } = await readyStage()
    const ids = Array.from({ length: 20 }, (_, i) => `id${i}`)
    for (const id of ids) await (await stage(dir)).receipts.record(LINEAGE, uploadedAs(id))
    expect(idsIn(await receipts.recall(LINEAGE))).toEqual([...ids].sort())
  })
})

describe('the schema', () => {
  test('of a newer version is refused, and the database stays as it is', async () => {
    const { file, receipts, damaged } = await readyStage()
    const db = new DatabaseSync(file)
    db.exec('PRAGMA user_version = 7')
    db.close()
    const before = await readFile(file)
    const refused = {
      code: 'STATE_DIR_UNUSABLE',
      exit: 74,
      message: `${file} was written by a newer certferry (schema 7; this one knows 3)`,
    }
    await expect(receipts.recall(LINEAGE)).rejects.toMatchObject(refused)
    await expect(receipts.prepare()).rejects.toMatchObject(refused)
    expect((await readFile(file)).equals(before)).toBe(true)
    expect(damaged).toEqual([])
  })

  test.each([1, 2])(
    'of version %i is read without a change to the file, and migrated by the first record',
    async version => {
      const { dir, file, receipts } = await readyStage()
      await receipts.record(LINEAGE, uploadedAs('first'))
      await receipts.record(LINEAGE, uploadedAs('second'))
      const known = await receipts.all()
      const db = new DatabaseSync(file)
      db.exec('DROP TABLE pauses')
      if (version === 1)
        db.exec(
          'DROP TABLE replacements; ALTER TABLE superseded DROP COLUMN silenced_at; ALTER TABLE superseded DROP COLUMN deleted_at',
        )
      db.exec(`PRAGMA user_version = ${version}`)
      db.close()
      const before = await readFile(file)
      const { receipts: later, damaged } = await stage(dir)
      expect(await later.all()).toEqual(known)
      expect(await later.pause()).toBeUndefined()
      expect((await readFile(file)).equals(before)).toBe(true)
      await later.record(LINEAGE, uploadedAs('third'))
      expect(idsIn(await later.recall(LINEAGE))).toEqual(['first', 'second', 'third'])
      expect(damaged).toEqual([])
    },
  )
})

describe('files of an earlier version', () => {
  test('are taken over once and put aside', async () => {
    const { dir, receipts, damaged } = await stage(await temporaryDirectory())
    const old = receiptWith({ lineage: 'pem:old' })
    const name = oldFileName('pem:old')
    await writeFile(join(dir, name), oldFileText(old))
    await writeFile(join(dir, 'notices.json'), '{"a":"2026-06-01T00:00:00.000Z","b":7}')
    await writeFile(join(dir, 'unsent.json'), '[{"key":"c","since":"2026-06-02T00:00:00.000Z"}]')
    await receipts.prepare()
    expect(await receipts.recall('pem:old')).toEqual(old)
    const { sent, unsent } = await receipts.notifications()
    expect(sent).toEqual({ a: '2026-06-01T00:00:00.000Z' })
    expect(unsent).toMatchObject([{ since: '2026-06-02T00:00:00.000Z' }])
    expect((await readdir(dir)).sort()).toEqual(
      [...FILES, 'notices.json.imported', `${name}.imported`, 'unsent.json.imported'].sort(),
    )
    await receipts.record('pem:old', uploadedAs('next'))
    await (await stage(dir)).receipts.prepare()
    expect((await receipts.recall('pem:old')).uploaded?.certificateId).toBe('next')
    expect(damaged).toEqual([])
  })

  test('that cannot be read are put aside with a warning', async () => {
    const { dir, receipts, damaged } = await stage(await temporaryDirectory())
    const file = join(dir, oldFileName(LINEAGE))
    await writeFile(file, '{"version": 1, "lineage": ')
    await receipts.prepare()
    expect(damaged).toEqual([`${file} → ${file}.imported`])
  })

  test('do not replace what the database knows', async () => {
    const { dir, receipts } = await readyStage()
    await receipts.record(LINEAGE, uploadedAs('new'))
    await writeFile(join(dir, oldFileName(LINEAGE)), oldFileText(receiptWith({ lineage: LINEAGE })))
    await (await stage(dir)).receipts.prepare()
    expect((await receipts.recall(LINEAGE)).uploaded?.certificateId).toBe('new')
  })
})
