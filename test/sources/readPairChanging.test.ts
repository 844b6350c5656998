import { rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { stage } from './pairOnDisk.ts'

describe('what is being written', () => {
  test('a file of the last second is read twice, a tenth of a second apart', async () => {
    const { read, waits } = await stage({ age: 900 })
    expect(await read()).toMatchObject({ settled: false })
    expect(waits).toEqual([100])
  })

  test.each(['chain.pem', 'key.pem'])(
    '%s changed between the two looks means: look again later',
    async name => {
      const { read, lineage } = await stage({
        age: 0,
        meanwhile: folder => writeFile(join(folder, name), 'half'),
      })
      const message = `${lineage.chain}: changed while it was read`
      await expect(read()).rejects.toMatchObject({
        code: 'PAIR_CHANGING',
        retry: 'recheck',
        exit: 75,
        message,
      })
    },
  )

  test('a file that disappears between the two looks is one that is still to come', async () => {
    const { read } = await stage({ age: 0, meanwhile: folder => rm(join(folder, 'key.pem')) })
    await expect(read()).rejects.toMatchObject({ code: 'PAIR_INCOMPLETE' })
  })

  test.each([
    [1_500, false],
    [4_000, false],
    [6_000, true],
  ])('%i ms after the last write the pair counts as settled: %s', async (age, settled) => {
    const { read, waits } = await stage({ age })
    expect(await read()).toMatchObject({ settled })
    expect(waits).toEqual([])
  })

  test.each([
    [59_000, false],
    [61_000, true],
  ])('%i ms after the last write no renewal is under way: %s', async (age, still) => {
    const { read } = await stage({ age })
    expect((await read()).files.still).toBe(still)
  })

  test('what is no UTF-8 is read by its bytes', async () => {
    const { read, lineage } = await stage({ age: 6_000 })
    await writeFile(lineage.chain, Buffer.from('3082ff00', 'hex'))
    expect((await read()).files.chain.text).toBe('0\u0082\u00ff\0')
  })

  test('a copy that keeps the old date (cp -p) is as fresh as any other', async () => {
    const { read, lineage, waits } = await stage({ age: 0 })
    await utimes(lineage.chain, 0, 0)
    await utimes(lineage.key ?? '', 0, 0)
    expect(await read()).toMatchObject({ settled: false })
    expect(waits).toEqual([100])
  })

  test('dates in the future, from a server with another clock, never make a pair settled', async () => {
    const { read, waits } = await stage({ age: -3_600_000 })
    expect(await read()).toMatchObject({ settled: false })
    expect(waits).toEqual([100])
  })
})

test('files that a file server gave their times are read twice, and a leaf alone in them is not settled, however old they look', async () => {
  const { read, waits } = await stage({ age: 3_600_000, elsewhere: true })
  expect((await read()).settled).toBe(false)
  expect(waits).toHaveLength(1)
  const torn = await stage({
    age: 3_600_000,
    elsewhere: true,
    meanwhile: folder => writeFile(join(folder, 'chain.pem'), 'half'),
  })
  await expect(torn.read()).rejects.toMatchObject({ code: 'PAIR_CHANGING' })
})
