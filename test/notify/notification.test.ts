import { describe, expect, test } from 'vitest'
import { Fault, type FaultCode } from '../../src/errors.ts'
import { notificationsFor } from '../../src/notify/notification.ts'
import { notYetSent } from '../../src/notify/queue.ts'
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

describe('a person hears of', () => {
  test('a new ID, with what it takes the place of', () => {
    expect(notificationsFor(uploaded('new'), receiptWith(), NOW)).toEqual([
      expect.objectContaining({
        event: 'uploaded',
        certificateId: 'new',
        supersedes: 'old',
        names: ['shop.example.com'],
      }),
    ])
  })

  test('an ID the service already had, where it is new to this machine', () => {
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

  test('an upload that was stored and could not be recorded: all uploads have stopped, and this was not refused', () => {
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

  test('a certificate that nobody renews, though it is uploaded as it is', () => {
    const unchanged = outcome({ outcome: 'unchanged', because: 'unchanged', certificateId: 'x' }, late)
    expect(events(unchanged)).toEqual(['renewal_overdue'])
  })

  test('and not of one that its client may be about to renew: it has a day for it', () => {
    const { notBefore, notAfter } = late
    const due = notAfter.getTime() - (notAfter.getTime() - notBefore.getTime()) / 3
    const unchanged = outcome({ outcome: 'unchanged', because: 'unchanged', certificateId: 'x' }, late)
    expect(notificationsFor(unchanged, undefined, due + DAY)).toEqual([])
    expect(notificationsFor(unchanged, undefined, due + DAY + 1)).toHaveLength(1)
  })
})

describe('a person does not hear of', () => {
  test.each([
    ['what is unchanged', outcome({ outcome: 'unchanged', because: 'unchanged', certificateId: 'x' })],
    ['an ID that was known', uploaded(upload().certificateId, true)],
    ['a network that fails once', failed('NETWORK')],
    ['a throttle', failed('API_THROTTLED')],
    ['a renewal half-way', failed('KEY_MISMATCH')],
    ['an end that was asked for', failed('INTERRUPTED')],
    ['uploads that rest, whose reason was told', failed('UPLOADS_PAUSED')],
  ])('%s', (_, one) => {
    expect(events(one)).toEqual([])
  })
})

describe('told once', () => {
  const notices = notificationsFor(uploaded('new'), receiptWith(), NOW)
  const reminders = notificationsFor(
    outcome({ outcome: 'unchanged', because: 'unchanged', certificateId: 'x' }, late),
    receiptWith(),
    NOW,
  )

  const sentAt = (sent: ReadonlyArray<{ readonly key: string }>, at: number) =>
    Object.fromEntries(sent.map(({ key }) => [key, new Date(at).toISOString()]))

  test('a new ID is told once for ever, a late renewal once a day', () => {
    const told = sentAt([...notices, ...reminders], NOW)
    expect(notYetSent([...notices, ...reminders], told, NOW + DAY * 0.9)).toEqual([])
    expect(notYetSent([...notices, ...reminders], told, NOW + DAY)).toEqual(reminders)
  })

  test('a disk that is full is told once, and with the ID that it kept from being recorded', () => {
    const cause = new Fault('STATE_DIR_UNUSABLE', 'no space')
    const fault = new Fault('UPLOAD_NOT_RECORDED', 'uploaded as a92b1Z1i, but no space', { cause })
    const stops = [fault, cause].flatMap(fault =>
      notificationsFor(outcome({ outcome: 'failed', fault }), receiptWith(), NOW),
    )
    expect(notYetSent(stops, {}, NOW).map(({ reason }) => reason)).toEqual([
      'uploaded as a92b1Z1i, but no space',
    ])
  })

  test('the same thing met by many certificates of one pass is told once', () => {
    const stops = ['a', 'b'].flatMap(lineage =>
      notificationsFor({ ...failed('API_FORBIDDEN'), lineage }, undefined, NOW),
    )
    expect(notYetSent(stops, {}, NOW)).toHaveLength(1)
  })

  test('a clock that was set back a year keeps nobody from hearing', () => {
    expect(notYetSent(reminders, sentAt(reminders, NOW + 365 * DAY), NOW)).toEqual(reminders)
  })
})
