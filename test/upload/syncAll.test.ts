import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import type { FileStamps } from '../../src/sources/fileStamp.ts'
import { exitOf } from '../../src/upload/outcome.ts'
import { type SyncAllDeps, syncAll } from '../../src/upload/syncAll.ts'
import { issue } from '../fixtures/certificates.ts'
import { lineageOf, memory, WISHES, type Written } from './inMemoryDeps.ts'

const old = await issue({ notBefore: new Date(Date.now() - 60 * 86_400_000) })
const fresh = await issue()

function stage(
  disk: Readonly<Record<string, Written | (() => Written)>>,
  changes: Partial<SyncAllDeps> = {},
) {
  const kept = memory(changes)
  for (const [name, written] of Object.entries(disk)) kept.disk.set(name, written)
  const lineages = Object.keys(disk).map(name => lineageOf(name))
  return { ...kept, run: (which = lineages) => syncAll(which, kept.effects, WISHES) }
}

/** One state after the other, look by look; the last one stays. */
const inTurn = (...states: readonly Written[]) => {
  let look = 0
  return () => states[Math.min(look++, states.length - 1)] as Written
}

const mixed = { chain: fresh.chain, key: old.key }
const alone = { chain: fresh.leaf, key: fresh.key, settled: false }

describe('many lineages', () => {
  test('come out in their order, and each is reported once, as it happens', async () => {
    const { run, told } = stage({ a: inTurn(mixed, fresh), b: old, c: mixed })
    const outcomes = await run()
    expect(outcomes.map(({ lineage, outcome }) => `${lineage} ${outcome}`)).toEqual([
      'pem:a uploaded',
      'pem:b uploaded',
      'pem:c failed',
    ])
    expect(told.map(({ lineage }) => lineage)).toEqual(['pem:b', 'pem:a', 'pem:c'])
  })

  test('one that is broken does not stop the others', async () => {
    const { run } = stage({ a: { chain: 'no certificate', key: 'no key' }, b: fresh })
    const outcomes = await run()
    expect(outcomes).toMatchObject([
      { outcome: 'failed', fault: { code: 'CERTIFICATE_INVALID' } },
      { outcome: 'uploaded' },
    ])
    expect(exitOf(outcomes)).toBe(65)
  })

  test('a bug at one is exit code 70, and the others are uploaded', async () => {
    const bug = () => {
      throw new TypeError('a bug')
    }
    const { run } = stage({ a: bug, b: fresh })
    const outcomes = await run()
    expect(outcomes).toMatchObject([
      { outcome: 'failed', fault: { code: 'INTERNAL_ERROR' } },
      { outcome: 'uploaded' },
    ])
    expect(exitOf(outcomes)).toBe(70)
  })

  test('of none there is nothing to say, at once', async () => {
    const { run, waits } = stage({})
    expect(await run()).toEqual([])
    expect(waits).toEqual([])
  })

  test('are not all opened at the same time', async () => {
    let open = 0
    let most = 0
    const reading = async () => {
      open += 1
      most = Math.max(most, open)
      await new Promise(resolve => setImmediate(resolve))
      open -= 1
      throw new Fault('FILE_UNREADABLE', 'no')
    }
    const names = Array.from({ length: 500 }, (_, i) => [`n${i}`, fresh] as const)
    const { run } = stage(Object.fromEntries(names), { read: reading })
    expect(await run()).toHaveLength(500)
    expect(most).toBe(256)
  })
})

describe('two paths to one certificate', () => {
  test('cost one upload, and both have the ID in their receipt', async () => {
    const { run, sent, receipts } = stage({ a: fresh, b: fresh })
    expect(await run()).toMatchObject([
      { outcome: 'uploaded', certificateId: 'ID1', reused: false, attempts: 1 },
      { outcome: 'uploaded', certificateId: 'ID1', reused: true, attempts: 0 },
    ])
    expect(sent).toHaveLength(1)
    expect([...receipts.values()].map(({ uploaded }) => uploaded?.certificateId)).toEqual(['ID1', 'ID1'])
  })

  test('cost one upload even where one of them is whole a little later', async () => {
    const { run, sent } = stage({ a: fresh, b: inTurn(mixed, fresh) })
    expect(await run()).toMatchObject([{ certificateId: 'ID1' }, { certificateId: 'ID1' }])
    expect(sent).toHaveLength(1)
  })

  test('fail together where the one upload fails', async () => {
    const fault = new Fault('NETWORK', 'no answer')
    let asked = 0
    const upload = async () => {
      asked += 1
      throw fault
    }
    expect(await stage({ a: fresh, b: fresh }, { upload }).run()).toMatchObject([{ fault }, { fault }])
    expect(asked).toBe(1)
  })

  test('with other settings are two uploads: what one is refused for is not held against the other', async () => {
    const { effects, disk, receipts } = memory()
    const upload: SyncAllDeps['upload'] = async (bundle, lineage) => {
      if (lineage.upload.projectId === 7) throw new Fault('API_REJECTED', 'no such project')
      return effects.upload(bundle, lineage)
    }
    disk.set('a', fresh).set('b', fresh)
    const lineages = [lineageOf('a', { project_id: 7 }), lineageOf('b')]
    const outcomes = await syncAll(lineages, { ...effects, upload }, WISHES)
    expect(outcomes).toMatchObject([{ outcome: 'failed' }, { outcome: 'uploaded' }])
    expect(receipts.get('pem:b')?.rejected).toBeUndefined()
  })
})

describe('a lineage caught mid-change', () => {
  test('is checked again until the pair fits, and then uploaded', async () => {
    const { run, waits, sent } = stage({ a: inTurn(mixed, mixed, fresh) })
    expect(await run()).toMatchObject([{ outcome: 'uploaded', certificateId: 'ID1' }])
    expect(waits).toEqual([250, 500])
    expect(sent.map(({ bundle }) => bundle.chainPem)).toEqual([fresh.chain])
  })

  test('that stays so is left pending after less than four seconds, exit code 75', async () => {
    const { run, waits, sent, told } = stage({ a: mixed })
    const outcomes = await run()
    expect(outcomes).toMatchObject([{ outcome: 'failed', fault: { code: 'KEY_MISMATCH', retry: 'recheck' } }])
    expect(exitOf(outcomes)).toBe(75)
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBe(3_750)
    expect(sent).toEqual([])
    expect(told).toHaveLength(1)
  })

  test('is not checked again for what is permanent', async () => {
    const { run, waits } = stage({ a: { chain: 'no certificate', key: fresh.key } })
    await run()
    expect(waits).toEqual([])
  })

  test('is checked alone: the others are not read again', async () => {
    let looks = 0
    const counted = () => {
      looks += 1
      return old
    }
    await stage({ a: mixed, b: counted }).run()
    expect(looks).toBe(1)
  })

  test('with a leaf alone is uploaded whole when its issuer follows', async () => {
    const { run, sent } = stage({ a: inTurn(alone, alone, fresh) })
    expect(await run()).toMatchObject([{ outcome: 'uploaded' }])
    expect(sent.map(({ bundle }) => bundle.chainPem)).toEqual([fresh.chain])
  })

  test('with a leaf that stays alone is believed at the last check, and no sooner', async () => {
    const { run, waits, sent } = stage({ a: alone })
    expect(await run()).toMatchObject([{ outcome: 'uploaded' }])
    expect(waits).toHaveLength(4)
    expect(sent.map(({ bundle }) => bundle.chainPem)).toEqual([fresh.leaf])
  })

  test('with a leaf that is first seen alone at the last check is left for the next run', async () => {
    const { run, sent } = stage({ a: inTurn(mixed, mixed, mixed, mixed, alone) })
    const outcomes = await run()
    expect(outcomes).toMatchObject([{ outcome: 'failed', fault: { code: 'CHAIN_INCOMPLETE' } }])
    expect(exitOf(outcomes)).toBe(75)
    expect(sent).toEqual([])
  })
})

test('once a receipt cannot be written the uploads are halted, and the ID that was given is reported', async () => {
  const unusable = new Fault('STATE_DIR_UNUSABLE', 'the state directory /s cannot be used (ENOSPC)')
  const halted: Fault[] = []
  const { run } = stage(
    { a: old, b: fresh },
    {
      record: () => Promise.reject(unusable),
      abort: fault => halted.push(fault),
      upload: async () => {
        if (halted[0]) throw halted[0]
        return { certificateId: 'ID1', requestId: 'r', reused: false, attempts: 1 }
      },
    },
  )
  const [first] = await run()
  expect(halted[0]).toBe(unusable)
  expect(first).toMatchObject({
    fault: { code: 'UPLOAD_NOT_RECORDED', message: expect.stringMatching(/^uploaded as ID1, but /) },
  })
})

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
