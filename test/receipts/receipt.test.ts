import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import {
  type Receipt,
  rejectionOf,
  type Upload,
  uploadOf,
  withMarks,
  withRejection,
  withUpload,
} from '../../src/receipts/receipt.ts'
import { isUnchanged } from '../../src/upload/decision.ts'
import { bundleOf, receiptWith, upload } from '../fixtures/samples.ts'
import { writtenAndRead } from '../fixtures/state.ts'

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
