import { beforeAll, expect, test } from 'vitest'
import type { Bundle } from '../../src/certificate/bundle.ts'
import { Fault, type FaultCode } from '../../src/errors.ts'
import type { RetryState } from '../../src/receipts/receipt.ts'
import { statusRow } from '../../src/status/status.ts'
import type { Outcome, Verdict } from '../../src/upload/outcome.ts'
import { bundleOf, receiptWith, upload } from '../fixtures/samples.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const LINEAGE = 'certbot:example.com'
let bundle: Bundle
beforeAll(async () => {
  bundle = await bundleOf({
    names: ['example.com'],
    notBefore: new Date('2026-03-01T00:00:00Z'),
    notAfter: new Date('2026-05-30T00:00:00Z'),
  })
})

const outcome = (verdict: Verdict, withBundle = true): Outcome => ({
  ...verdict,
  lineage: LINEAGE,
  elapsedMs: 1,
  ...(withBundle && { bundle }),
})
const failed = (code: FaultCode) => outcome({ outcome: 'failed', fault: new Fault(code, 'what happened') })

test('the row of an uploaded certificate', () => {
  const unchanged = outcome({ outcome: 'unchanged', because: 'unchanged', certificateId: 'a92b1Z1i' })
  expect(statusRow({ outcome: unchanged, receipt: receiptWith() }, NOW)).toEqual({
    lineage: LINEAGE,
    state: 'ok',
    names: ['example.com'],
    notAfter: '2026-05-30T00:00:00.000Z',
    daysLeft: 89,
    lifetimeRemaining: 179 / 180,
    certificateId: 'a92b1Z1i',
    uploadedAt: '2026-01-02T03:04:05.678Z',
    supersedes: [],
    retryingSince: null,
    nextAttemptAt: null,
    reason: null,
    advice: null,
    replacement: null,
    path: null,
    uploaded: receiptWith().uploaded,
    superseded: [],
    rejected: null,
    failing: null,
  })
})

test.each<readonly [string, () => Outcome]>([
  ['new', () => outcome({ outcome: 'planned', because: 'first-seen' })],
  ['changed', () => outcome({ outcome: 'planned', because: 'changed' })],
  ['pending', () => failed('KEY_MISMATCH')],
  ['failed', () => failed('KEY_INVALID')],
  ['refused', () => outcome({ outcome: 'refused', because: 'expired', fault: new Fault('EXPIRED', 'x') })],
  [
    'rejected',
    () =>
      outcome({ outcome: 'refused', because: 'rejected-before', fault: new Fault('REJECTED_BEFORE', 'x') }),
  ],
])('a row of state %s has a reason and advice unless the next run uploads it', (state, of) => {
  const row = statusRow({ outcome: of(), receipt: undefined }, NOW)
  expect(row).toMatchObject({ state, certificateId: null, uploadedAt: null, supersedes: [] })
  expect(row.reason === null).toBe(state === 'new' || state === 'changed')
  expect(row.advice === null).toBe(row.reason === null)
})

test('the row of a removed certificate comes from its receipt', () => {
  const superseded = [{ ...upload({ certificateId: 'old' }), supersededAt: upload().uploadedAt }]
  expect(statusRow({ receipt: receiptWith({ superseded }) }, NOW)).toMatchObject({
    lineage: LINEAGE,
    state: 'removed',
    notAfter: '2026-04-01T00:00:00.000Z',
    daysLeft: 30,
    supersedes: ['old'],
  })
})

test('the row of an unreadable certificate shows what was uploaded', () => {
  const broken = outcome({ outcome: 'failed', fault: new Fault('PAIR_INCOMPLETE', 'x') }, false)
  expect(statusRow({ outcome: broken, receipt: receiptWith() }, NOW)).toMatchObject({
    state: 'pending',
    names: ['example.com'],
    certificateId: 'a92b1Z1i',
    daysLeft: 30,
  })
})

test('daysLeft counts full days, below zero after the end', () => {
  const left = (notAfter: string) =>
    statusRow({ receipt: receiptWith({ uploaded: upload({ notAfter }) }) }, NOW).daysLeft
  expect(left('2026-03-02T12:00:00.000Z')).toBe(1)
  expect(left('2026-03-02T11:59:59.000Z')).toBe(0)
  expect(left('2026-03-01T11:59:59.000Z')).toBe(-1)
})

const rowAt = (now: string) =>
  statusRow(
    {
      outcome: outcome({ outcome: 'unchanged', because: 'unchanged', certificateId: 'a92b1Z1i' }),
      receipt: receiptWith(),
    },
    new Date(now),
  )

test('a certificate is ok until a third of its lifetime is left, then expiring, then expired', () => {
  const times = ['04-29T23:59:59Z', '04-30T00:00:01Z', '05-29T23:59:59Z', '05-30T00:00:00Z']
  const states = times.map(time => rowAt(`2026-${time}`).state)
  expect(states).toEqual(['ok', 'expiring', 'expiring', 'expired'])
  expect(rowAt('2026-04-29T00:00:00Z')).toMatchObject({ reason: null, advice: null })
  expect(rowAt('2026-05-20T00:00:00Z')).toMatchObject({
    reason: 'less than a third of its life is left, and it has not been renewed',
    advice: 'See what the ACME client last logged.',
  })
})

test('lifetimeRemaining is a share from 1 to 0', () => {
  const days = ['2026-02-01', '2026-03-01', '2026-04-15', '2026-05-30', '2027-01-01']
  expect(days.map(day => rowAt(`${day}T00:00:00Z`).lifetimeRemaining)).toEqual([1, 1, 0.5, 0, 0])
})

test('lifetimeRemaining of a removed certificate is that of the upload, and null if unknown', () => {
  expect(statusRow({ receipt: receiptWith() }, new Date('2026-02-15T00:00:00Z')).lifetimeRemaining).toBe(0.5)
  const broken = outcome({ outcome: 'failed', fault: new Fault('PAIR_INCOMPLETE', 'x') }, false)
  expect(statusRow({ outcome: broken, receipt: undefined }, NOW)).toMatchObject({
    lifetimeRemaining: null,
    daysLeft: null,
  })
})

const failing = (changes: Partial<RetryState> = {}): RetryState => ({
  fingerprint: bundle.fingerprint,
  since: '2026-03-01T09:00:00.000Z',
  failures: 4,
  nextAttemptAt: '2026-03-01T12:25:00.000Z',
  code: 'NETWORK',
  message: 'ssl.tencentcloudapi.com: connection refused',
  ...changes,
})
const planned = () => outcome({ outcome: 'planned', because: 'changed' })

test('a failing upload is retrying, with its start, reason and next attempt', () => {
  expect(statusRow({ outcome: planned(), receipt: receiptWith({ failing: failing() }) }, NOW)).toMatchObject({
    state: 'retrying',
    certificateId: 'a92b1Z1i',
    retryingSince: '2026-03-01T09:00:00.000Z',
    nextAttemptAt: '2026-03-01T12:25:00.000Z',
    reason: 'ssl.tencentcloudapi.com: connection refused',
    advice: new Fault('NETWORK', '').advice,
  })
})

test('a renewed certificate is changed, whatever failed before', () => {
  const receipt = receiptWith({ failing: failing({ fingerprint: 'of the certificate before' }) })
  expect(statusRow({ outcome: planned(), receipt }, NOW)).toMatchObject({
    state: 'changed',
    retryingSince: null,
    nextAttemptAt: null,
    reason: null,
  })
})

test('a certificate whose files are mid-change is pending, whatever failed before', () => {
  const receipt = receiptWith({ failing: failing() })
  expect(statusRow({ outcome: failed('KEY_MISMATCH'), receipt }, NOW)).toMatchObject({
    state: 'pending',
    nextAttemptAt: null,
  })
})

test('a failure with a code of another version has no advice', () => {
  for (const code of ['OF_TOMORROW', 'constructor', '__proto__']) {
    const receipt = receiptWith({ failing: failing({ code }) })
    expect(statusRow({ outcome: planned(), receipt }, NOW)).toMatchObject({
      state: 'retrying',
      advice: null,
    })
  }
})
