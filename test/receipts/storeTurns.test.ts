import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { draftFor } from '../../src/receipts/exclusion.ts'
import type { Receipt } from '../../src/receipts/receipt.ts'
import { fileName, openReceiptStore } from '../../src/receipts/store.ts'
import { recordingElsewhere } from './concurrentRecorders.ts'
import { LINEAGE, NOW, readyStage, uploadedAs } from './stateDirectory.ts'

/** Newest first, the current one among them. */
const idsIn = ({ uploaded, superseded }: Receipt) => [
  ...(uploaded ? [uploaded.certificateId] : []),
  ...superseded.map(({ certificateId }) => certificateId),
]

/** Receipts whose pauses are over at once; how long they would have been is kept. */
function hasty(dir: string) {
  const pauses: number[] = []
  const wait = async (ms: number) => void pauses.push(ms)
  return { receipts: openReceiptStore(dir, expect.unreachable, () => NOW, wait), pauses }
}

/** As a process leaves it that was killed in the middle of its turn. */
async function deadHolder(dir: string, name = fileName(LINEAGE)): Promise<string> {
  const { turn, token } = draftFor({ dir, name })
  await mkdir(turn)
  await writeFile(join(turn, token), 'of the dead')
  return turn
}

describe('of those who record at the same time', () => {
  test('none loses what another has recorded: eight processes, one lineage', async () => {
    const { dir, receipts } = await readyStage()
    const recorded = await recordingElsewhere(dir, LINEAGE, { processes: 8, uploads: 4 })
    expect(idsIn(await receipts.recall(LINEAGE)).sort()).toEqual([...recorded].sort())
    expect(await readdir(dir)).toEqual([fileName(LINEAGE)])
  })

  test('in one process, each is built upon the other', async () => {
    const { dir, receipts } = await readyStage()
    const ids = Array.from({ length: 20 }, (_, i) => `id${i}`)
    await Promise.all(ids.map(id => hasty(dir).receipts.record(LINEAGE, uploadedAs(id))))
    expect(idsIn(await receipts.recall(LINEAGE)).sort()).toEqual([...ids].sort())
  })

  test('who finds the receipt changed amends the new one', async () => {
    const { dir, receipts } = await readyStage()
    const seen: Array<string | undefined> = []
    let other: Promise<void> | undefined
    await receipts.record(LINEAGE, receipt => {
      seen.push(receipt.uploaded?.certificateId)
      other ??= hasty(dir).receipts.record(LINEAGE, uploadedAs('other'))
      return uploadedAs(`mine${seen.length}`)(receipt)
    })
    await other
    expect(idsIn(await receipts.recall(LINEAGE))).toHaveLength(2)
  })

  test('two who find it damaged set one file aside, and lose nothing learned since', async () => {
    const { dir, file, receipts, damaged } = await readyStage()
    await writeFile(file, '{')
    await Promise.all(['one', 'two', 'three'].map(id => receipts.record(LINEAGE, uploadedAs(id))))
    expect(idsIn(await receipts.recall(LINEAGE)).sort()).toEqual(['one', 'three', 'two'])
    expect(damaged).toHaveLength(1)
    expect((await readdir(dir)).filter(name => name.includes('damaged'))).toHaveLength(1)
  })
})

describe('a process killed in the middle of its turn', () => {
  test('is waited for one second, and then no more', async () => {
    const { dir } = await readyStage()
    const { receipts, pauses } = hasty(dir)
    await deadHolder(dir)
    await receipts.record(LINEAGE, uploadedAs('id'))
    expect(idsIn(await receipts.recall(LINEAGE))).toEqual(['id'])
    const waited = pauses.reduce((sum, ms) => sum + ms, 0)
    expect(waited).toBeGreaterThan(1_000)
    expect(waited).toBeLessThan(1_200)
    expect(await readdir(dir)).toEqual([fileName(LINEAGE)])
    await receipts.record(LINEAGE, uploadedAs('next'))
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBe(waited)
  })

  test('keeps nobody waiting for another lineage', async () => {
    const { dir } = await readyStage()
    const { receipts, pauses } = hasty(dir)
    await deadHolder(dir)
    await receipts.record('pem:other', uploadedAs('id'))
    expect(pauses).toEqual([])
  })

  test('costs no ID where it cannot be put away: after two seconds one records without a turn', async () => {
    const { dir } = await readyStage()
    const { receipts, pauses } = hasty(dir)
    const turn = await deadHolder(dir)
    await mkdir(join(turn, '0'))
    await writeFile(join(turn, '0', 'in the way'), '')
    await receipts.record(LINEAGE, uploadedAs('id'))
    expect(idsIn(await receipts.recall(LINEAGE))).toEqual(['id'])
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(2_100)
  })
})

test('nor does a file in the place of the turn', async () => {
  const { dir } = await readyStage()
  const { receipts, pauses } = hasty(dir)
  await writeFile(draftFor({ dir, name: fileName(LINEAGE) }).turn, '')
  await receipts.record(LINEAGE, uploadedAs('id'))
  expect(idsIn(await receipts.recall(LINEAGE))).toEqual(['id'])
  expect(pauses).toEqual([])
})

test('any number of recorders, some of whom find a dead one before them, lose nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ writer: fc.nat(3), dead: fc.boolean() }), { minLength: 1, maxLength: 12 }),
      async records => {
        const { dir, receipts } = await readyStage()
        const writers = Array.from({ length: 4 }, () => hasty(dir).receipts)
        await Promise.all(
          records.map(async ({ writer, dead }, i) => {
            if (dead) await deadHolder(dir).catch(() => undefined)
            await writers[writer]?.record(LINEAGE, uploadedAs(`id${i}`))
          }),
        )
        const ids = records.map((_, i) => `id${i}`)
        expect(idsIn(await receipts.recall(LINEAGE)).sort()).toEqual(ids.sort())
      },
    ),
    { numRuns: 15 },
  )
})
