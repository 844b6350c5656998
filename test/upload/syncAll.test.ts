import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import { exitOf } from '../../src/upload/outcome.ts'
import { type SyncAllDeps, syncAll } from '../../src/upload/syncAll.ts'
import { lineageOf, memory, WISHES } from './inMemoryDeps.ts'
import { alone, fresh, inTurn, mixed, old, stage } from './syncAllFixture.ts'

describe('a run over many lineages', () => {
  test('returns their outcomes in order and reports each once, as it happens', async () => {
    const { run, reported } = stage({ a: inTurn(mixed, fresh), b: old, c: mixed })
    const outcomes = await run()
    expect(outcomes.map(({ lineage, outcome }) => `${lineage} ${outcome}`)).toEqual([
      'pem:a uploaded',
      'pem:b uploaded',
      'pem:c failed',
    ])
    expect(reported.map(({ lineage }) => lineage)).toEqual(['pem:b', 'pem:a', 'pem:c'])
  })

  test('goes on after a broken one', async () => {
    const { run } = stage({ a: { chain: 'no certificate', key: 'no key' }, b: fresh })
    const outcomes = await run()
    expect(outcomes).toMatchObject([
      { outcome: 'failed', fault: { code: 'CERTIFICATE_INVALID' } },
      { outcome: 'uploaded' },
    ])
    expect(exitOf(outcomes)).toBe(65)
  })

  test('goes on after a bug, and its exit code is 70', async () => {
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

  test('over none ends at once', async () => {
    const { run, waits } = stage({})
    expect(await run()).toEqual([])
    expect(waits).toEqual([])
  })

  test('checks at most 256 at a time', async () => {
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

describe('two lineages with one certificate', () => {
  test('cost one upload, and both have the ID in their receipt', async () => {
    const { run, sent, receipts } = stage({ a: fresh, b: fresh })
    expect(await run()).toMatchObject([
      { outcome: 'uploaded', certificateId: 'ID1', reused: false, attempts: 1 },
      { outcome: 'uploaded', certificateId: 'ID1', reused: true, attempts: 0 },
    ])
    expect(sent).toHaveLength(1)
    expect([...receipts.values()].map(({ uploaded }) => uploaded?.certificateId)).toEqual(['ID1', 'ID1'])
  })

  test('cost one upload even if one of them is complete a little later', async () => {
    const { run, sent } = stage({ a: fresh, b: inTurn(mixed, fresh) })
    expect(await run()).toMatchObject([{ certificateId: 'ID1' }, { certificateId: 'ID1' }])
    expect(sent).toHaveLength(1)
  })

  test('fail together if the upload fails', async () => {
    const fault = new Fault('NETWORK', 'no answer')
    let asked = 0
    const upload = async () => {
      asked += 1
      throw fault
    }
    expect(await stage({ a: fresh, b: fresh }, { upload }).run()).toMatchObject([{ fault }, { fault }])
    expect(asked).toBe(1)
  })

  test('with different settings are two uploads, of which one may be rejected', async () => {
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

describe('a lineage mid-change', () => {
  test('is checked again until the pair fits, and then uploaded', async () => {
    const { run, waits, sent } = stage({ a: inTurn(mixed, mixed, fresh) })
    expect(await run()).toMatchObject([{ outcome: 'uploaded', certificateId: 'ID1' }])
    expect(waits).toEqual([250, 500])
    expect(sent.map(({ bundle }) => bundle.chainPem)).toEqual([fresh.chain])
  })

  test('that stays so is pending after less than four seconds, exit code 75', async () => {
    const { run, waits, sent, reported } = stage({ a: mixed })
    const outcomes = await run()
    expect(outcomes).toMatchObject([{ outcome: 'failed', fault: { code: 'KEY_MISMATCH', retry: 'recheck' } }])
    expect(exitOf(outcomes)).toBe(75)
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBe(3_750)
    expect(sent).toEqual([])
    expect(reported).toHaveLength(1)
  })

  test('is not checked again after a fault that does not pass', async () => {
    const { run, waits } = stage({ a: { chain: 'no certificate', key: fresh.key } })
    await run()
    expect(waits).toEqual([])
  })

  test('is checked again without the others', async () => {
    let looks = 0
    const counted = () => {
      looks += 1
      return old
    }
    await stage({ a: mixed, b: counted }).run()
    expect(looks).toBe(1)
  })

  test('with a leaf alone is uploaded with its issuer when that follows', async () => {
    const { run, sent } = stage({ a: inTurn(alone, alone, fresh) })
    expect(await run()).toMatchObject([{ outcome: 'uploaded' }])
    expect(sent.map(({ bundle }) => bundle.chainPem)).toEqual([fresh.chain])
  })

  test('with a leaf that stays alone is uploaded at the last check, and no sooner', async () => {
    const { run, waits, sent } = stage({ a: alone })
    expect(await run()).toMatchObject([{ outcome: 'uploaded' }])
    expect(waits).toHaveLength(4)
    expect(sent.map(({ bundle }) => bundle.chainPem)).toEqual([fresh.leaf])
  })

  test('with a leaf that is alone only at the last check is left to the next run', async () => {
    const { run, sent } = stage({ a: inTurn(mixed, mixed, mixed, mixed, alone) })
    const outcomes = await run()
    expect(outcomes).toMatchObject([{ outcome: 'failed', fault: { code: 'CHAIN_INCOMPLETE' } }])
    expect(exitOf(outcomes)).toBe(75)
    expect(sent).toEqual([])
  })
})

test('a run halts its uploads when a receipt cannot be written, and the fault has the new ID', async () => {
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
