import { describe, expect, test } from 'vitest'
import { ABOUT_A_DAY } from '../../src/certificate/expiry.ts'
import { Fault, type FaultCode } from '../../src/errors.ts'
import { notificationsFor } from '../../src/notify/notification.ts'
import type { Outcome, Verdict } from '../../src/upload/outcome.ts'
import { bundleOf, receiptWith, upload } from '../fixtures/samples.ts'

const DAY = 86_400_000
const NOW = Date.now()
const fresh = await bundleOf({ names: ['shop.example.com'] })
const late = await bundleOf({ notBefore: new Date(NOW - 80 * DAY), notAfter: new Date(NOW + 10 * DAY) })

const outcome = (verdict: Verdict, bundle = fresh): Outcome => ({
  ...verdict,
  lineage: 'certbot:shop',
  bundle,
  elapsedMs: 1,
})
const failed = (code: FaultCode, apiCode?: string) =>
  outcome({ outcome: 'failed', fault: new Fault(code, 'what happened', apiCode ? { apiCode } : {}) })
const uploaded = (certificateId: string, reused = false) =>
  outcome({
    outcome: 'uploaded',
    because: 'changed',
    certificateId,
    reused,
    requestId: 'r',
    attempts: 1,
    supersedes: 'old',
  })
const events = (one: Outcome, receipt = receiptWith()) =>
  notificationsFor(one, receipt, NOW).map(({ event }) => event)

describe('notified', () => {
  test('a new ID, with the one that it replaces', () => {
    expect(notificationsFor(uploaded('new'), receiptWith(), NOW)).toEqual([
      expect.objectContaining({
        event: 'uploaded',
        certificateId: 'new',
        supersedes: 'old',
        names: ['shop.example.com'],
      }),
    ])
  })

  test('an ID that the service had already, if it is new to this machine', () => {
    expect(events(uploaded('new', true))).toEqual(['uploaded'])
  })

  test.each<[FaultCode, string[]]>([
    ['API_REJECTED', ['rejected']],
    ['CERTIFICATE_INVALID', ['rejected']],
    ['OLDER_THAN_UPLOADED', ['rejected']],
    ['API_CREDENTIALS', ['uploads_paused']],
    ['API_FORBIDDEN', ['uploads_paused']],
    ['STATE_DIR_UNUSABLE', ['uploads_paused']],
  ])('%s', (code, expected) => {
    expect(events(failed(code))).toEqual(expected)
  })

  test('an upload that could not be recorded: as a pause of all uploads, and not as a rejection', () => {
    const cause = new Fault('STATE_DIR_UNUSABLE', 'no space')
    const fault = new Fault('UPLOAD_NOT_RECORDED', 'uploaded as a92b1Z1i, but no space', { cause })
    expect(notificationsFor(outcome({ outcome: 'failed', fault }), receiptWith(), NOW)).toEqual([
      expect.objectContaining({
        event: 'uploads_paused',
        lineage: 'certbot:shop',
        reason: 'uploaded as a92b1Z1i, but no space',
        advice: cause.advice,
      }),
    ])
  })

  test('an upload that has failed for a day, and not sooner', () => {
    const failing = (since: number) =>
      receiptWith({
        failing: {
          fingerprint: fresh.fingerprint,
          since: new Date(since).toISOString(),
          failures: 9,
          nextAttemptAt: new Date(NOW).toISOString(),
          code: 'NETWORK',
          message: 'no',
        },
      })
    expect(events(failed('NETWORK'), failing(NOW - DAY))).toEqual(['failing'])
    expect(events(failed('NETWORK'), failing(NOW - DAY + 1))).toEqual([])
  })

  test('a certificate that is not renewed, though it is uploaded', () => {
    const unchanged = outcome({ outcome: 'unchanged', because: 'unchanged', certificateId: 'x' }, late)
    expect(events(unchanged)).toEqual(['renewal_overdue'])
  })

  test('an overdue renewal, a day after the client should have renewed', () => {
    const { notBefore, notAfter } = late
    const due = notAfter.getTime() - (notAfter.getTime() - notBefore.getTime()) / 3
    const unchanged = outcome({ outcome: 'unchanged', because: 'unchanged', certificateId: 'x' }, late)
    expect(notificationsFor(unchanged, undefined, due + DAY)).toEqual([])
    expect(notificationsFor(unchanged, undefined, due + DAY + 1)).toHaveLength(1)
  })
})

describe('not notified', () => {
  test.each([
    ['an unchanged certificate', outcome({ outcome: 'unchanged', because: 'unchanged', certificateId: 'x' })],
    ['an ID that was known', uploaded(upload().certificateId, true)],
    ['a network that fails once', failed('NETWORK')],
    ['a throttle', failed('API_THROTTLED')],
    ['an unfinished renewal', failed('KEY_MISMATCH')],
    ['an interruption', failed('INTERRUPTED')],
    ['paused uploads, whose reason was notified', failed('UPLOADS_PAUSED')],
  ])('%s', (_, one) => {
    expect(events(one)).toEqual([])
  })
})

const keys = (...outcomes: readonly Outcome[]) =>
  outcomes.flatMap(one => notificationsFor(one, receiptWith(), NOW)).map(({ key }) => key)

test('a full disk has one key, with or without the ID that it kept from being recorded', () => {
  const cause = new Fault('STATE_DIR_UNUSABLE', 'no space')
  const fault = new Fault('UPLOAD_NOT_RECORDED', 'uploaded as a92b1Z1i, but no space', { cause })
  const [first, second] = keys(
    outcome({ outcome: 'failed', fault }),
    outcome({ outcome: 'failed', fault: cause }),
  )
  expect(first).toBe(second)
})

test('a fault of the account has one key, whichever certificate meets it', () => {
  const [first, second] = keys(failed('API_FORBIDDEN'), { ...failed('API_FORBIDDEN'), lineage: 'other' })
  expect(first).toBe(second)
})

test('an upload is never repeated, an overdue renewal after a day', () => {
  const unchanged = outcome({ outcome: 'unchanged', because: 'unchanged', certificateId: 'x' }, late)
  const again = [uploaded('new'), unchanged].flatMap(one => notificationsFor(one, receiptWith(), NOW))
  expect(again.map(one => one.again)).toEqual([null, ABOUT_A_DAY])
})
