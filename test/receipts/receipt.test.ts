import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import {
  backoffUntil,
  type Receipt,
  type RetryState,
  recordRetry,
  rejectionOf,
  type Upload,
  uploadOf,
  withMarks,
  withRejection,
  withUpload,
} from '../../src/receipts/receipt.ts'
import { parseReceipt } from '../../src/receipts/shape.ts'
import { statusRow } from '../../src/status/status.ts'
import { decide, isUnchanged } from '../../src/upload/decision.ts'
import { bundleOf, receiptWith, upload } from '../fixtures/samples.ts'
import { oldFileText, writtenAndRead } from '../fixtures/state.ts'

const hex = fc.stringMatching(/^[0-9a-f]{64}$/)
const text = fc.string({ unit: 'grapheme' })
const date = fc
  .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map(at => at.toISOString())
const id = fc.stringMatching(/^[\w.-]{1,128}$/)

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
  reused: fc.boolean(),
})
const superseded = fc.record(
  {
    certificateId: id,
    fingerprint: hex,
    leaf: hex,
    endpoint: text,
    notBefore: date,
    notAfter: date,
    uploadedAt: date,
    supersededAt: date,
    mayReturn: fc.constant(true as const),
    reused: fc.boolean(),
    bound: fc.constantFrom('no' as const, 'yes' as const),
    boundAt: date,
  },
  { requiredKeys: ['certificateId', 'fingerprint', 'notAfter', 'uploadedAt', 'supersededAt'] },
)
const rejection = fc.record({
  fingerprint: hex,
  settings: text,
  endpoint: text,
  apiCode: fc.option(text),
  message: text,
  at: date,
})
const failing = fc.record({
  fingerprint: hex,
  since: date,
  failures: fc.integer({ min: 1 }),
  nextAttemptAt: date,
  code: text,
  message: text,
})
const anyReceipt: fc.Arbitrary<Receipt> = fc.record({
  lineage: text,
  uploaded: fc.option(anyUpload, { nil: undefined }),
  superseded: fc.array(superseded, { maxLength: 4 }),
  rejected: fc.option(rejection, { nil: undefined }),
  failing: fc.option(failing, { nil: undefined }),
})

describe('on disk', () => {
  test('what is written is what is read', () => {
    fc.assert(
      fc.property(anyReceipt, receipt => {
        expect(writtenAndRead(receipt)).toEqual(receipt)
      }),
    )
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
    reused: true,
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

test('files stand for a certificate until one of its chain begins or ends to be valid, and never where it has flaws', async () => {
  const bundle = await bundleOf()
  const [marks, at] = [{ chain: 'c', key: 'k' }, new Date('2026-03-01T00:00:00Z')]
  const ends = bundle.notAfter
  const uploaded = { certificateId: 'a92b1Z1i', requestId: 'r', reused: false }
  const known = (changes: Partial<typeof bundle>, now: Date) => {
    const of = { ...bundle, ...changes }
    const receipt = withMarks(receiptWith({ uploaded: uploadOf(of, uploaded, 'e', at) }), of, marks)
    expect(receipt.uploaded).toEqual(uploadOf(of, uploaded, 'e', at, marks))
    return isUnchanged(receipt.uploaded, marks, { force: false, endpoint: 'e', now: now.toISOString() })
  }
  expect(bundle.changesAt).toEqual(ends)
  expect(known({}, new Date(ends.getTime() - 1))).toBe(true)
  expect(known({}, ends)).toBe(false)
  expect(known({ changesAt: undefined }, ends)).toBe(true)
  expect(known({ flaws: ['its issuer expired'] }, at)).toBe(false)
})

const NOW = new Date('2026-03-01T00:00:00Z')
const later = (ms: number) => new Date(NOW.getTime() + ms)
const fault = new Fault('NETWORK', 'no way there')
const unwell = new Fault('API_UNAVAILABLE', 'unwell', { apiCode: 'InternalError' })
const again = (before?: RetryState, fingerprint = 'f', now = NOW, dice = 1, of = fault) =>
  recordRetry(before, { fingerprint, fault: of, now, dice })

describe('what could not be uploaded', () => {
  test.each([
    ['where nobody answers, every quarter of an hour', fault, [1, 2, 4, 8, 15, 15, 15, 15, 15]],
    ['of what the service itself says, every hour', unwell, [1, 2, 4, 8, 16, 32, 60, 60, 60]],
  ])('is tried again after a minute, then two, four … and at last, %s', (_, of, minutes) => {
    let failing: RetryState | undefined
    const waits = minutes.map(() => {
      failing = again(failing, 'f', NOW, 1, of)
      return (Date.parse(failing.nextAttemptAt) - NOW.getTime()) / 60_000
    })
    expect(waits).toEqual(minutes)
  })

  test('is spread: half of the wait is thrown', () => {
    expect(again(undefined, 'f', NOW, 0).nextAttemptAt).toBe(later(30_000).toISOString())
  })

  test('remembers since when, and begins anew with other bytes', () => {
    const twice = again(again(), 'f', later(90_000))
    expect(twice).toMatchObject({ since: NOW.toISOString(), failures: 2 })
    expect(again(twice, 'g', later(90_000))).toMatchObject({
      since: later(90_000).toISOString(),
      failures: 1,
    })
  })

  test('does not wait for ever where the clock was set back', () => {
    const failing = again()
    expect(backoffUntil(failing, 'f', later(-365 * 86_400_000))).toBeUndefined()
    expect(backoffUntil(failing, 'f', later(1_000))).toEqual(later(60_000))
    expect(backoffUntil(failing, 'f', later(60_000))).toBeUndefined()
    expect(backoffUntil(failing, 'other', later(1_000))).toBeUndefined()
  })
})

test('a daemon waits for it; a run by a person or a renewal does not', async () => {
  const bundle = await bundleOf({ notBefore: later(-86_400_000), notAfter: later(86_400_000) })
  const receipt = receiptWith({ uploaded: undefined, failing: again(undefined, bundle.fingerprint) })
  const circumstances = { now: later(1_000), force: false, endpoint: 'e', settings: 's' }
  expect(decide(bundle, receipt, { ...circumstances, honourBackoff: true })).toEqual({
    do: 'wait',
    until: later(60_000),
  })
  expect(decide(bundle, receipt, circumstances)).toMatchObject({ do: 'upload' })
})

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

test('a receipt of an earlier version that is cut off at any byte is none', () => {
  for (let i = 0; i < whole.length - 1; i++) expect(parseReceipt(whole.slice(0, i))).toBeUndefined()
  expect(parseReceipt(whole.slice(0, -1))).toEqual(receipt)
})

test('a receipt of an earlier version with any byte changed is read or not, and never crashes what uses it', async () => {
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

test('any text and any JSON that is no receipt is none', () => {
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
