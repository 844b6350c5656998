import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import { exitOf } from '../../src/upload/outcome.ts'
import { type SyncAllDeps, syncAll } from '../../src/upload/syncAll.ts'
import { lineageOf, memory, WISHES } from './inMemoryDeps.ts'
import { fresh, inTurn, mixed, old, stage } from './syncAllFixture.ts'

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
