import { describe, expect, test } from 'vitest'
import type { FileStamps } from '../../src/sources/fileStamp.ts'
import { syncAll } from '../../src/upload/syncAll.ts'
import { lineageOf, WISHES } from './inMemoryDeps.ts'
import { fresh, old, stage } from './syncAllFixture.ts'

const STANDING: FileStamps = { chain: 'chain 1', key: 'key 1' }

/** Files with these stamps; reading them is counted. */
function standing(marks: () => FileStamps | undefined) {
  let reads = 0
  const kept = stage({ a: old })
  const effects = {
    ...kept.effects,
    stamps: marks,
    recallAll: async () =>
      new Map([...kept.receipts].flatMap(([id, { uploaded }]) => (uploaded ? [[id, uploaded]] : []))),
    read: async (...args: Parameters<typeof kept.effects.read>) => {
      reads++
      return { ...(await kept.effects.read(...args)), marks: marks() }
    },
  }
  const restaged = { ...kept, effects }
  return { ...restaged, reads: () => reads }
}

const run = (kept: ReturnType<typeof standing>, wishes = {}) =>
  syncAll([lineageOf('a')], kept.effects as never, { ...WISHES, ...wishes })

describe('an uploaded certificate', () => {
  test('is not read again while its files have the same stamps', async () => {
    const kept = standing(() => STANDING)
    await run(kept)
    const [outcome] = await run(kept)
    expect(outcome).toMatchObject({ outcome: 'unchanged', certificateId: 'ID1' })
    expect(outcome?.bundle?.names.length).toBeGreaterThan(0)
    expect([kept.reads(), kept.sent.length]).toEqual([1, 1])
  })

  test('is read once more after its files got other stamps', async () => {
    let marks = STANDING
    const kept = standing(() => marks)
    await run(kept)
    marks = { chain: 'chain 2', key: 'key 1' }
    expect(await run(kept)).toMatchObject([{ outcome: 'unchanged' }])
    expect(kept.reads()).toBe(2)
    await run(kept)
    expect([kept.reads(), kept.sent.length]).toEqual([2, 1])
  })

  test('is uploaded if it has changed', async () => {
    let marks = STANDING
    const kept = standing(() => marks)
    await run(kept)
    kept.disk.set('a', fresh)
    marks = { chain: 'chain 2', key: 'key 2' }
    expect(await run(kept)).toMatchObject([{ outcome: 'uploaded', because: 'changed' }])
  })

  test('is read if the stamps are not reliable', async () => {
    const kept = standing(() => undefined)
    await run(kept)
    expect(await run(kept)).toMatchObject([{ outcome: 'unchanged' }])
    expect(kept.reads()).toBe(2)
  })

  test('is read if forced, and for another endpoint', async () => {
    const kept = standing(() => STANDING)
    await run(kept)
    expect(await run(kept, { force: true })).toMatchObject([{ outcome: 'uploaded', because: 'forced' }])
    expect(await run(kept, { endpoint: 'elsewhere.example.com' })).toMatchObject([{ outcome: 'uploaded' }])
    expect(kept.reads()).toBe(3)
  })
})

test('a run without changes writes nothing to the state directory', async () => {
  const kept = standing(() => STANDING)
  await run(kept)
  let touched = 0
  const effects = {
    ...kept.effects,
    prepare: async () => void touched++,
    record: async () => void touched++,
  }
  await syncAll([lineageOf('a')], effects as never, WISHES)
  expect(touched).toBe(0)
})
