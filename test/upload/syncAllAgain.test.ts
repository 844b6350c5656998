import { describe, expect, test } from 'vitest'
import { exitOf } from '../../src/upload/outcome.ts'
import { alone, fresh, inTurn, mixed, old, stage } from './syncAllFixture.ts'

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
