import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/core/fault.ts'
import {
  emptyReceipt,
  type Receipt,
  readReceipt,
  rejectionOf,
  replacedBy,
  type Upload,
  uploadOf,
  withRejection,
  withUpload,
  writeReceipt,
} from '../../src/core/receipt.ts'
import { bundleOf, receiptWith, upload } from './samples.ts'

const hex = fc.stringMatching(/^[0-9a-f]{64}$/)
const text = fc.string({ unit: 'grapheme' })
const date = fc
  .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map(at => at.toISOString())
const id = fc.string({ minLength: 1 })

const anyUpload: fc.Arbitrary<Upload> = fc.record({
  certificateId: id,
  requestId: text,
  fingerprint: hex,
  leaf: hex,
  names: fc.array(text),
  notBefore: date,
  notAfter: date,
  uploadedAt: date,
  endpoint: text,
})
const superseded = fc.record({
  certificateId: id,
  fingerprint: hex,
  notAfter: date,
  uploadedAt: date,
  supersededAt: date,
})
const rejection = fc.record({
  fingerprint: hex,
  settings: text,
  endpoint: text,
  apiCode: fc.option(text),
  message: text,
  at: date,
})
const anyReceipt: fc.Arbitrary<Receipt> = fc.record({
  lineage: text,
  uploaded: fc.option(anyUpload, { nil: undefined }),
  superseded: fc.array(superseded, { maxLength: 4 }),
  rejected: fc.option(rejection, { nil: undefined }),
})

describe('on disk', () => {
  test('what is written is what is read', () => {
    fc.assert(
      fc.property(anyReceipt, receipt => {
        expect(readReceipt(writeReceipt(receipt), receipt.lineage)).toEqual(receipt)
      }),
    )
  })

  test('the last upload stands at the top level, where people and jq look for it', () => {
    expect(JSON.parse(writeReceipt(receiptWith()))).toEqual({
      version: 1,
      lineage: 'certbot:example.com',
      ...upload(),
      superseded: [],
      rejected: null,
    })
    expect(writeReceipt(receiptWith())).toMatch(/^\{\n {2}"version": 1,[\s\S]*\}\n$/)
  })

  test('a receipt of another lineage is not taken for this one', () => {
    expect(readReceipt(writeReceipt(receiptWith()), 'certbot:example.org')).toBeUndefined()
    expect(readReceipt(writeReceipt(receiptWith()))).toEqual(receiptWith())
  })

  test('members added by hand do no harm and are not kept', () => {
    const more = writeReceipt(receiptWith()).replace('{', '{"note":"mine",')
    expect(readReceipt(more)).toEqual(receiptWith())
  })
})

test('an upload is recorded with everything that names it, and no key', async () => {
  const bundle = await bundleOf({ names: ['example.com'] })
  const uploaded = { certificateId: 'a92b1Z1i', requestId: 'r-1', reused: true }
  const recorded = uploadOf(bundle, uploaded, 'ssl.tencentcloudapi.com', new Date('2026-03-01T00:00:00Z'))
  expect(recorded).toEqual({
    certificateId: 'a92b1Z1i',
    requestId: 'r-1',
    fingerprint: bundle.fingerprint,
    leaf: bundle.leaf,
    names: ['example.com'],
    notBefore: bundle.notBefore.toISOString(),
    notAfter: bundle.notAfter.toISOString(),
    uploadedAt: '2026-03-01T00:00:00.000Z',
    endpoint: 'ssl.tencentcloudapi.com',
  })
})

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
      notAfter: first.notAfter,
      uploadedAt: first.uploadedAt,
      supersededAt: '2026-02-02T00:00:00.000Z',
    })
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
    const late = withUpload(newer, later('late', 4), false)
    expect(ids(late)).toEqual(['newer', 'late', 'first'])
    expect(late.superseded[0]?.supersededAt).toBe('2026-04-02T00:00:00.000Z')
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

  test('thirty-two are remembered, the oldest go', () => {
    const numbers = Array.from({ length: 50 }, (_, i) => i)
    const all = numbers.reduce(
      (receipt, i) => withUpload(receipt, later(`id-${i}`, 1), false),
      emptyReceipt('l'),
    )
    expect(ids(all)).toEqual(Array.from({ length: 33 }, (_, i) => `id-${49 - i}`))
  })
})

test('a rejection is remembered beside the last upload, and forgotten with the next', async () => {
  const bundle = await bundleOf()
  const fault = new Fault('API_REJECTED', 'no', { apiCode: 'FailedOperation.CertificateInvalid' })
  const way = { settings: 'digest', endpoint: 'ssl.tencentcloudapi.com' }
  const rejected = rejectionOf(bundle, way, fault, new Date('2026-03-01T00:00:00Z'))
  expect(rejected).toEqual({
    fingerprint: bundle.fingerprint,
    ...way,
    apiCode: 'FailedOperation.CertificateInvalid',
    message: 'no',
    at: '2026-03-01T00:00:00.000Z',
  })
  const receipt = withRejection(receiptWith(), rejected)
  expect(receipt).toEqual(receiptWith({ rejected }))
  expect(withUpload(receipt, upload({ certificateId: 'next' }), false).rejected).toBeUndefined()
})
