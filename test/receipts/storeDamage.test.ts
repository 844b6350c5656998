import { mkdir, readdir, readFile, readlink, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fileName } from '../../src/receipts/store.ts'
import { damages } from './stateDamage.ts'
import { LINEAGE, NOW, readyStage, stage, uploadedAs } from './stateDirectory.ts'

describe('damage', () => {
  test.each(damages)('%s is set aside with a warning, and the receipt learned again', async (_, make) => {
    const { dir, file, receipts, damaged } = await readyStage()
    await make(file)
    expect(await receipts.all()).toEqual([])
    expect((await receipts.recall(LINEAGE)).uploaded).toBeUndefined()
    expect(damaged).toEqual([`${file} → ${file}.damaged-2026-06-15T120000000Z`])
    await receipts.record(LINEAGE, uploadedAs('again'))
    expect((await receipts.recall(LINEAGE)).uploaded?.certificateId).toBe('again')
    expect((await readdir(dir)).sort()).toEqual([
      fileName(LINEAGE),
      `${fileName(LINEAGE)}.damaged-2026-06-15T120000000Z`,
    ])
  })

  test('a planted link is never followed: what it points at is neither read nor written', async () => {
    const { dir, file, receipts } = await readyStage()
    const target = join(dir, 'target')
    await writeFile(target, 'mine')
    await symlink(target, file)
    await receipts.record(LINEAGE, uploadedAs('id'))
    expect(await readFile(target, 'utf8')).toBe('mine')
    expect(await readlink(`${file}.damaged-2026-06-15T120000000Z`)).toBe(target)
  })

  test('found by two at the same time is said once and stops neither', async () => {
    const { file, receipts, damaged } = await readyStage()
    await writeFile(file, '{')
    const both = await Promise.all([receipts.recall(LINEAGE), receipts.recall(LINEAGE)])
    expect(both).toMatchObject([{ uploaded: undefined }, { uploaded: undefined }])
    expect(damaged).toHaveLength(1)
  })
})

describe('leftovers', () => {
  test('of processes that died are removed; what others write or keep there stays', async () => {
    const { dir, receipts } = await readyStage()
    const long = new Date(NOW.getTime() - 3 * 3_600_000)
    const ahead = new Date(NOW.getTime() + 365 * 86_400_000)
    const put = async (name: string, date: Date) => {
      await writeFile(join(dir, name), '')
      await utimes(join(dir, name), date, date)
    }
    await put('.a.json.0123456789ab.tmp', long)
    await put('.b.json.0123456789ab.tmp', NOW)
    await put('.e.json.0123456789ab.tmp', ahead)
    await put('.editor.tmp', long)
    await put('notes.txt', long)
    for (const folder of ['.c.json.0123456789ab.tmp', '.d.json.lock.tmp', 'notes.tmp']) {
      await mkdir(join(dir, folder))
      await put(join(folder, '0123456789ab'), long)
      await utimes(join(dir, folder), long, long)
    }
    await receipts.prepare()
    const kept = ['.b.json.0123456789ab.tmp', '.editor.tmp', 'notes.tmp', 'notes.txt']
    expect((await readdir(dir)).sort()).toEqual(kept)
  })

  test('there are none after preparing, not even of two at the same time', async () => {
    const { dir, receipts } = await stage()
    await Promise.all([receipts.prepare(), receipts.prepare(), receipts.prepare()])
    expect(await readdir(dir)).toEqual([])
  })
})
