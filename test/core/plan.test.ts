import { beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/core/bundle.ts'
import { Fault } from '../../src/core/fault.ts'
import { type Circumstances, plan } from '../../src/core/plan.ts'
import {
  emptyReceipt,
  type Receipt,
  rejectionOf,
  uploadOf,
  withRejection,
  withUpload,
} from '../../src/core/receipt.ts'
import { bundleOf } from './samples.ts'

const ENDPOINT = 'ssl.tencentcloudapi.com'
const LINEAGE = 'certbot:example.com'
const date = (text: string) => new Date(`${text}T00:00:00Z`)
const circumstances = (changes: Partial<Circumstances> = {}): Circumstances => ({
  now: date('2026-03-01'),
  force: false,
  endpoint: ENDPOINT,
  settings: 'settings',
  ...changes,
})

const uploaded = (bundle: Bundle, endpoint = ENDPOINT) =>
  withUpload(
    emptyReceipt(LINEAGE),
    uploadOf(
      bundle,
      { certificateId: 'a92b1Z1i', requestId: 'r', reused: false },
      endpoint,
      date('2026-02-01'),
    ),
    false,
  )

const rejected = (bundle: Bundle, settings = 'settings', endpoint = ENDPOINT) =>
  withRejection(
    emptyReceipt(LINEAGE),
    rejectionOf(
      bundle,
      { settings, endpoint },
      new Fault('API_REJECTED', 'the service answered FailedOperation.CertificateParseError: no', {
        apiCode: 'FailedOperation.CertificateParseError',
      }),
      date('2026-02-02'),
    ),
  )

/** In force on 2026-03-01: `current` from February to May; the others relative to it. */
let [current, older, sameStart, short, renewed, expired, early]: Bundle[] = []
beforeAll(async () => {
  const make = (from: string, to: string) => bundleOf({ notBefore: date(from), notAfter: date(to) })
  current = await make('2026-02-01', '2026-05-02')
  older = await make('2026-01-01', '2026-04-01')
  sameStart = await make('2026-02-01', '2026-05-02')
  short = await make('2026-02-27', '2026-03-05')
  renewed = await make('2026-02-20', '2026-05-21')
  expired = await make('2025-12-01', '2026-02-28')
  early = await make('2026-03-02', '2026-06-01')
})

const decide = (bundle: Bundle | undefined, receipt: Receipt, changes?: Partial<Circumstances>) => {
  const decision = plan(bundle as Bundle, receipt, circumstances(changes))
  return `${decision.do} ${decision.do === 'wait' ? decision.until.toISOString() : decision.because}`
}
const nothing = emptyReceipt(LINEAGE)

describe('every decision', () => {
  const known = () => uploaded(current as Bundle)
  test.each<readonly [string, () => string, string]>([
    ['never uploaded', () => decide(current, nothing), 'upload first-seen'],
    ['uploaded as it stands', () => decide(current, known()), 'skip unchanged'],
    ['renewed', () => decide(renewed, known()), 'upload changed'],
    ['another of the very same start', () => decide(sameStart, known()), 'upload changed'],
    ['six days after ninety: ends sooner, is newer', () => decide(short, known()), 'upload changed'],
    ['gone back to an older one', () => decide(older, known()), 'refuse older-than-uploaded'],
    ['expired', () => decide(expired, nothing), 'refuse expired'],
    ['expired and older', () => decide(expired, known()), 'refuse expired'],
    ['not yet valid', () => decide(early, nothing), 'refuse not-yet-valid'],
    [
      'uploaded elsewhere only',
      () => decide(current, uploaded(current as Bundle, 'other')),
      'upload first-seen',
    ],
    [
      'an older one, a newer one elsewhere',
      () => decide(older, uploaded(current as Bundle, 'other')),
      'upload first-seen',
    ],
    ['rejected before', () => decide(current, rejected(current as Bundle)), 'refuse rejected-before'],
    [
      'rejected with other settings',
      () => decide(current, rejected(current as Bundle, 'x')),
      'upload first-seen',
    ],
    [
      'rejected elsewhere',
      () => decide(current, rejected(current as Bundle, 'settings', 'x')),
      'upload first-seen',
    ],
    [
      'renewed since it was rejected',
      () => decide(renewed, rejected(current as Bundle)),
      'upload first-seen',
    ],
  ])('%s', (_, decision, expected) => {
    expect(decision()).toBe(expected)
  })
})

describe('forced', () => {
  test.each<readonly [string, () => string, string]>([
    ['unchanged', () => decide(current, uploaded(current as Bundle), { force: true }), 'upload forced'],
    ['first seen', () => decide(current, nothing, { force: true }), 'upload forced'],
    ['older', () => decide(older, uploaded(current as Bundle), { force: true }), 'upload forced'],
    ['rejected', () => decide(current, rejected(current as Bundle), { force: true }), 'upload forced'],
    ['expired stays refused', () => decide(expired, nothing, { force: true }), 'refuse expired'],
    ['so does what is not yet valid', () => decide(early, nothing, { force: true }), 'refuse not-yet-valid'],
  ])('%s', (_, decision, expected) => {
    expect(decision()).toBe(expected)
  })
})

test('validity begins and ends to the second', () => {
  const at = (time: number) => decide(current, nothing, { now: new Date(time) })
  const [from, to] = [date('2026-02-01').getTime(), date('2026-05-02').getTime()]
  expect(at(from - 1)).toBe('refuse not-yet-valid')
  expect(at(from)).toBe('upload first-seen')
  expect(at(to - 1)).toBe('upload first-seen')
  expect(at(to)).toBe('refuse expired')
})

test('a refusal says why, in words and with its code', () => {
  const faultOf = (bundle: Bundle | undefined, receipt: Receipt) => {
    const decision = plan(bundle as Bundle, receipt, circumstances())
    return decision.do === 'refuse' ? decision.fault : undefined
  }
  expect(faultOf(expired, nothing)).toMatchObject({
    code: 'EXPIRED',
    exit: 65,
    message: 'it expired on 2026-02-28',
  })
  expect(faultOf(early, nothing)).toMatchObject({
    code: 'NOT_YET_VALID',
    exit: 75,
    message: 'it is not valid before 2026-03-02T00:00:00.000Z',
  })
  expect(faultOf(older, uploaded(current as Bundle))).toMatchObject({
    code: 'OLDER_THAN_UPLOADED',
    message: 'it is valid from 2026-01-01T00:00:00Z; a92b1Z1i, uploaded before, is from 2026-02-01T00:00:00Z',
  })
  expect(faultOf(current, rejected(current as Bundle))).toMatchObject({
    code: 'REJECTED_BEFORE',
    exit: 76,
    apiCode: 'FailedOperation.CertificateParseError',
    message:
      'it was refused on 2026-02-02T00:00:00.000Z: the service answered FailedOperation.CertificateParseError: no',
  })
})
