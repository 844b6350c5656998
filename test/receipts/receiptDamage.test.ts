/** A receipt that cannot be trusted is none: it is read as undefined, and never throws. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseReceipt } from '../../src/receipts/shape.ts'
import { statusRow } from '../../src/status/status.ts'
import { decide } from '../../src/upload/decision.ts'
import { bundleOf, receiptWith } from '../fixtures/samples.ts'
import { oldFileText, writtenAndRead } from '../fixtures/state.ts'

const entry = {
  certificateId: 'old',
  fingerprint: 'a'.repeat(64),
  notAfter: '2026-03-01T00:00:00.000Z',
  uploadedAt: '2026-01-01T00:00:00.000Z',
  supersededAt: '2026-02-01T00:00:00.000Z',
}
const rejected = {
  fingerprint: 'b'.repeat(64),
  settings: 'digest',
  endpoint: 'ssl.tencentcloudapi.com',
  apiCode: null,
  message: 'no',
  at: '2026-02-03T00:00:00.000Z',
}
const receipt = receiptWith({ superseded: [entry], rejected })
const whole = oldFileText(receipt)

test('cut off at any byte', () => {
  for (let i = 0; i < whole.length - 1; i++) expect(parseReceipt(whole.slice(0, i))).toBeUndefined()
  expect(parseReceipt(whole.slice(0, -1))).toEqual(receipt)
})

test('any byte of it changed: read or not, never a crash here or where it is used', async () => {
  const bundle = await bundleOf()
  const asked = { now: new Date(), force: false, endpoint: 'ssl.tencentcloudapi.com', settings: '' }
  for (let i = 0; i < whole.length; i++) {
    for (const byte of ['\0', 'x', '9', '"', '}', ' ', '-']) {
      const read = parseReceipt(whole.slice(0, i) + byte + whole.slice(i + 1))
      if (!read) continue
      decide(bundle, read, asked)
      statusRow({ receipt: read }, asked.now)
      expect(writtenAndRead(read)).toEqual(read)
    }
  }
})

test('any text, and any JSON', () => {
  fc.assert(fc.property(fc.string(), text => parseReceipt(text) === undefined))
  fc.assert(fc.property(fc.json(), text => parseReceipt(text) === undefined))
  expect(parseReceipt('['.repeat(200_000))).toBeUndefined()
  expect(parseReceipt('')).toBeUndefined()
})

describe('JSON of the wrong form', () => {
  const disk = JSON.parse(whole) as Record<string, unknown>
  test.each<readonly [string, Record<string, unknown>]>([
    ['another version', { version: 2 }],
    ['no version', { version: undefined }],
    ['no lineage', { lineage: undefined }],
    ['an ID of another type', { certificateId: 7 }],
    ['an empty ID', { certificateId: '' }],
    ['an ID without its fingerprint', { fingerprint: undefined }],
    ['an ID without its endpoint', { endpoint: undefined }],
    ['a fingerprint cut short', { fingerprint: 'abc' }],
    ['names that are no list', { names: 'example.com' }],
    ['no list of superseded', { superseded: undefined }],
    ['a superseded ID without dates', { superseded: [{ certificateId: 'x' }] }],
    ['a rejection that is none', { rejected: 'yes' }],
    ['a date in another form', { notBefore: '2026-01-01' }],
    ['a date with another offset', { notBefore: '2026-01-01T00:00:00+08' }],
    ['the 30th of February', { notBefore: '2026-02-30T00:00:00.000Z' }],
  ])('%s', (_, changes) => {
    expect(parseReceipt(JSON.stringify({ ...disk, ...changes }))).toBeUndefined()
  })

  test('a receipt without an upload is whole: a first certificate may have been rejected', () => {
    const { version, lineage, superseded } = disk
    expect(parseReceipt(JSON.stringify({ version, lineage, superseded, rejected }))).toEqual(
      receiptWith({ uploaded: undefined, superseded: [entry], rejected }),
    )
  })
})
