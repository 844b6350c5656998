import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import { backoffUntil, type RetryState, recordRetry } from '../../src/receipts/receipt.ts'
import { decide } from '../../src/upload/decision.ts'
import { bundleOf, receiptWith } from '../fixtures/samples.ts'

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
