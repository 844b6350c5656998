import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  emptyReceipt,
  type Receipt,
  replacedBy,
  supersededAs,
  type Upload,
  withUpload,
} from '../../src/receipts/receipt.ts'
import { upload } from '../fixtures/samples.ts'

describe('an upload supersedes what was there', () => {
  const first = upload({ certificateId: 'first' })
  const later = (certificateId: string, month: number, changes: Partial<Upload> = {}) =>
    upload({
      certificateId,
      notBefore: `2026-${String(month).padStart(2, '0')}-01T00:00:00.000Z`,
      uploadedAt: `2026-${String(month).padStart(2, '0')}-02T00:00:00.000Z`,
      ...changes,
    })
  const ids = ({ uploaded, superseded }: Receipt) => [
    uploaded?.certificateId,
    ...superseded.map(one => one.certificateId),
  ]
  const start = withUpload(emptyReceipt('l'), first, false)

  test('newest first, each with its dates', () => {
    const second = withUpload(start, later('second', 2), false)
    const third = withUpload(second, later('third', 3), false)
    expect(ids(third)).toEqual(['third', 'second', 'first'])
    expect(third.superseded[1]).toEqual({
      certificateId: 'first',
      fingerprint: first.fingerprint,
      leaf: first.leaf,
      endpoint: first.endpoint,
      notBefore: first.notBefore,
      notAfter: first.notAfter,
      uploadedAt: first.uploadedAt,
      supersededAt: '2026-02-02T00:00:00.000Z',
    })
  })

  test.each([
    ['second', 'third', 'first'],
    ['third', 'second', 'first'],
    ['third', 'first', 'second'],
    ['second', 'third', 'first', 'second', 'first'],
  ])('newest first, in whatever order processes record them: %s, %s, %s', (...order) => {
    const uploads = { first, second: later('second', 2), third: later('third', 3) }
    // none knew of any other when it began
    const amend = (receipt: Receipt, id: string) =>
      withUpload(receipt, uploads[id as keyof typeof uploads], false, 'none')
    expect(ids(order.reduce(amend, emptyReceipt('pem:x')))).toEqual(['third', 'second', 'first'])
  })

  test('the same ID again supersedes nothing', () => {
    expect(ids(withUpload(start, first, true))).toEqual(['first'])
    expect(replacedBy(start, first)).toBeUndefined()
  })

  test('an ID of another endpoint is not superseded: it is none here', () => {
    const elsewhere = withUpload(start, later('second', 2, { endpoint: 'other' }), false)
    expect(ids(elsewhere)).toEqual(['second'])
  })

  test('a forced return to an older certificate makes it the current one again', () => {
    const second = withUpload(start, later('second', 2), false)
    const back = withUpload(second, first, true)
    expect(ids(back)).toEqual(['first', 'second'])
    expect(ids(withUpload(back, later('second', 2), true))).toEqual(['second', 'first'])
  })

  test('one that was overtaken by another process stays behind the newer one', () => {
    const newer = withUpload(start, later('newer', 5), false)
    const late = withUpload(newer, later('late', 4), false, start.uploaded)
    expect(ids(late)).toEqual(['newer', 'late', 'first'])
    expect(late.superseded[0]?.supersededAt).toBe('2026-04-02T00:00:00.000Z')
  })

  const known = (receipt: Receipt, one: Upload) => supersededAs(receipt, one)?.certificateId
  const leaf = (letter: string) => ({ leaf: letter.repeat(64), fingerprint: letter.repeat(64) })
  const [old, mid, next] = [
    later('old', 1, leaf('a')),
    later('mid', 2, leaf('b')),
    later('new', 3, leaf('c')),
  ]
  const after = (...uploads: readonly Upload[]) =>
    uploads.reduce((receipt, one) => withUpload(receipt, one, false), emptyReceipt('l'))

  test('what was replaced by a renewal is known to be older, whatever its dates say', () => {
    expect(known(after(old, mid), old)).toBe('old')
    const backdated = { ...mid, notBefore: '2025-12-31T00:00:00.000Z', notAfter: '2026-04-02T00:00:00.000Z' }
    expect(known(after(old, backdated), old)).toBe('old')
    expect(known(after(old, mid), mid)).toBeUndefined()
  })

  test('one that gave way to an older one may return, until a renewal has replaced both', () => {
    const back = after(old, mid, old)
    expect(known(back, mid)).toBeUndefined()
    expect(known(after(mid, old), mid)).toBeUndefined()
    const renewed = withUpload(back, next, false)
    expect(ids(renewed)).toEqual(['new', 'mid', 'old'])
    expect([known(renewed, mid), known(renewed, old)]).toEqual(['mid', 'old'])
  })

  test('of two that processes uploaded at the same time both may return', () => {
    const start = after(old)
    const raced = (first: Upload, second: Upload) =>
      withUpload(withUpload(start, first, false), second, false, start.uploaded)
    for (const receipt of [raced(mid, next), raced(next, mid)]) {
      expect(receipt.uploaded?.certificateId).toBe('new')
      expect([known(receipt, mid), known(receipt, old)]).toEqual([undefined, 'old'])
    }
    const short = { ...next, notAfter: '2026-03-07T00:00:00.000Z' }
    const atFirst = withUpload(after(short), mid, false, 'none')
    expect(atFirst.uploaded?.certificateId).toBe('mid')
    expect(known(atFirst, short)).toBeUndefined()
  })

  test('no ID is listed twice, whatever is uploaded when and by whom', () => {
    const event = fc.record({ id: fc.nat(4), month: fc.integer({ min: 1, max: 9 }), forced: fc.boolean() })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), events => {
        const all = events.reduce(
          (receipt, { id, month, forced }) => withUpload(receipt, later(`id-${id}`, month), forced),
          emptyReceipt('l'),
        )
        expect(new Set(ids(all)).size).toBe(ids(all).length)
      }),
    )
  })

  test('a thousand are remembered, the oldest go', () => {
    const numbers = Array.from({ length: 1_020 }, (_, i) => i)
    const all = numbers.reduce(
      (receipt, i) => withUpload(receipt, later(`id-${i}`, 1), false),
      emptyReceipt('l'),
    )
    expect(ids(all)).toEqual(Array.from({ length: 1_001 }, (_, i) => `id-${1_019 - i}`))
  })
})
