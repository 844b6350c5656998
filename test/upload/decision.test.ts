import { beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/certificate/bundle.ts'
import { Fault } from '../../src/errors.ts'
import {
  emptyReceipt,
  type Receipt,
  rejectionOf,
  type Superseded,
  uploadOf,
  withRejection,
  withUpload,
} from '../../src/receipts/receipt.ts'
import { type DecisionContext, decide as decideUpload } from '../../src/upload/decision.ts'
import { bundleOf } from '../fixtures/samples.ts'

const ENDPOINT = 'ssl.tencentcloudapi.com'
const LINEAGE = 'certbot:example.com'
const date = (text: string) => new Date(`${text}T00:00:00Z`)
const circumstances = (changes: Partial<DecisionContext> = {}): DecisionContext => ({
  now: date('2026-03-01'),
  force: false,
  endpoint: ENDPOINT,
  settings: 'settings',
  ...changes,
})

const uploadedNow = (bundle: Bundle, certificateId: string, endpoint = ENDPOINT) =>
  uploadOf(bundle, { certificateId, requestId: 'r', reused: false }, endpoint, date('2026-02-01'))

const uploaded = (bundle: Bundle, endpoint = ENDPOINT) =>
  withUpload(emptyReceipt(LINEAGE), uploadedNow(bundle, 'a92b1Z1i', endpoint), false)

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

/** `replaced` was uploaded first, and `current` took its place. */
const superseding = (replaced: Bundle, changes: Partial<Superseded> = {}) => {
  const receipt = withUpload(uploaded(replaced), uploadedNow(current as Bundle, 'b03c2Z2j'), false)
  return { ...receipt, superseded: receipt.superseded.map(one => ({ ...one, ...changes })) }
}

/** In force on 2026-03-01: `current` from February to May; the others relative to it. */
let [current, older, sameStart, short, renewed, backdated, expired, early]: Bundle[] = []
beforeAll(async () => {
  const make = (from: string, to: string) => bundleOf({ notBefore: date(from), notAfter: date(to) })
  current = await make('2026-02-01', '2026-05-02')
  older = await make('2026-01-01', '2026-04-01')
  sameStart = await make('2026-02-01', '2026-05-02')
  short = await make('2026-02-27', '2026-03-05')
  renewed = await make('2026-02-20', '2026-05-21')
  backdated = await make('2026-01-23', '2026-05-03')
  expired = await make('2025-12-01', '2026-02-28')
  early = await make('2026-03-02', '2026-06-01')
})

const decide = (bundle: Bundle | undefined, receipt: Receipt, changes?: Partial<DecisionContext>) => {
  const decision = decideUpload(bundle as Bundle, receipt, circumstances(changes))
  return `${decision.do} ${decision.do === 'wait' ? decision.until.toISOString() : decision.because}`
}
const nothing = emptyReceipt(LINEAGE)
const without = (receipt: Receipt, ...members: readonly string[]): Receipt => ({
  ...receipt,
  superseded: receipt.superseded.map(
    one => Object.fromEntries(Object.entries(one).filter(([name]) => !members.includes(name))) as never,
  ),
})

describe('the decision about a certificate', () => {
  const known = () => uploaded(current as Bundle)
  test.each<readonly [string, () => string, string]>([
    ['never uploaded', () => decide(current, nothing), 'upload first-seen'],
    ['uploaded as it stands', () => decide(current, known()), 'skip unchanged'],
    ['renewed', () => decide(renewed, known()), 'upload changed'],
    ['another of the very same start', () => decide(sameStart, known()), 'upload changed'],
    ['six days after ninety: ends sooner, is newer', () => decide(short, known()), 'upload changed'],
    ['backdated by another authority: begins earlier', () => decide(backdated, known()), 'upload changed'],
    ['begins and ends earlier, never seen before', () => decide(older, known()), 'upload older'],
    [
      'gone back to one that was replaced',
      () => decide(older, superseding(older as Bundle)),
      'refuse older-than-uploaded',
    ],
    [
      'gone back to one that begins later than the current one',
      () => decide(short, superseding(short as Bundle)),
      'refuse older-than-uploaded',
    ],
    [
      'gone back to one that was replaced, with another chain',
      () => decide({ ...(older as Bundle), fingerprint: 'f'.repeat(64) }, superseding(older as Bundle)),
      'refuse older-than-uploaded',
    ],
    [
      'gone back to one that an older receipt knows by its chain',
      () => decide(older, without(superseding(older as Bundle), 'leaf', 'endpoint', 'notBefore')),
      'refuse older-than-uploaded',
    ],
    [
      'replaced elsewhere, never uploaded here',
      () => decide(short, superseding(short as Bundle, { endpoint: 'other' })),
      'upload changed',
    ],
    [
      'replaced by what may have been the older one',
      () => decide(short, superseding(short as Bundle, { mayReturn: true })),
      'upload changed',
    ],
    [
      'the current one, with the chain it had before',
      () =>
        decide(
          { ...(current as Bundle), fingerprint: older?.fingerprint ?? '' },
          superseding(older as Bundle),
        ),
      'upload changed',
    ],
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
    ['forced, unchanged', () => decide(current, known(), { force: true }), 'upload forced'],
    ['forced, first seen', () => decide(current, nothing, { force: true }), 'upload forced'],
    ['forced, older', () => decide(older, known(), { force: true }), 'upload forced'],
    [
      'forced, rejected',
      () => decide(current, rejected(current as Bundle), { force: true }),
      'upload forced',
    ],
    ['forced, expired', () => decide(expired, nothing, { force: true }), 'refuse expired'],
    ['forced, not yet valid', () => decide(early, nothing, { force: true }), 'refuse not-yet-valid'],
  ])('%s', (_, decision, expected) => {
    expect(decision()).toBe(expected)
  })
})

test('a certificate is valid from its first to before its last millisecond', () => {
  const at = (time: number) => decide(current, nothing, { now: new Date(time) })
  const [from, to] = [date('2026-02-01').getTime(), date('2026-05-02').getTime()]
  expect(at(from - 1)).toBe('refuse not-yet-valid')
  expect(at(from)).toBe('upload first-seen')
  expect(at(to - 1)).toBe('upload first-seen')
  expect(at(to)).toBe('refuse expired')
})

test('a refusal has a fault with code and reason', () => {
  const faultOf = (bundle: Bundle | undefined, receipt: Receipt) => {
    const decision = decideUpload(bundle as Bundle, receipt, circumstances())
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
  expect(faultOf(older, superseding(older as Bundle))).toMatchObject({
    code: 'OLDER_THAN_UPLOADED',
    message:
      'it was uploaded as a92b1Z1i and replaced by a newer one on 2026-02-01; b03c2Z2j is the current one',
  })
  expect(faultOf(current, rejected(current as Bundle))).toMatchObject({
    code: 'REJECTED_BEFORE',
    exit: 76,
    apiCode: 'FailedOperation.CertificateParseError',
    advice: expect.stringMatching(/RSA 2048.*To send it again unchanged: sync --force --only NAME\.$/),
    message:
      'it was refused on 2026-02-02T00:00:00.000Z: the service answered FailedOperation.CertificateParseError: no',
  })
})
