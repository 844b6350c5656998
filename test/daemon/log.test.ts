import { describe, expect, test } from 'vitest'
import { createDaemonLog } from '../../src/daemon/log.ts'
import { Fault, type FaultCode } from '../../src/errors.ts'
import type { Outcome, Verdict } from '../../src/upload/outcome.ts'
import { bundleOf } from '../fixtures/samples.ts'
import { recordedLog } from './recordedLog.ts'

const DAY = 86_400_000
const START = Date.parse('2026-06-01T00:00:00Z')

const bundle = await bundleOf({
  notBefore: new Date(START - 70 * DAY),
  notAfter: new Date(START + 20 * DAY),
})

/** A daemon log, and its lines above `debug`. */
function openLog() {
  const clock = { now: START }
  const { log, logged } = recordedLog()
  const daemonLog = createDaemonLog({ ...log, debug: () => {} }, () => clock.now)
  return { clock, logged, ...daemonLog }
}

const outcome = (verdict: Verdict, lineage = 'a'): Outcome => ({ ...verdict, lineage, elapsedMs: 1 })
const failed = (code: FaultCode, lineage = 'a', message = 'reason') =>
  outcome({ outcome: 'failed', fault: new Fault(code, message) }, lineage)
const waiting = outcome({ outcome: 'waiting', until: new Date(START) })
const unchanged = outcome({ outcome: 'unchanged', because: 'unchanged', certificateId: 'ID1' })
const uploaded = outcome({
  outcome: 'uploaded',
  because: 'changed',
  certificateId: 'ID2',
  reused: false,
  requestId: 'r',
  attempts: 1,
  supersedes: 'ID1',
})

describe('an outcome is logged', () => {
  test('once, however often it repeats', () => {
    const { outcome: logOutcome, logged } = openLog()
    for (let i = 0; i < 5; i++) logOutcome(failed('NETWORK'))
    expect(logged).toEqual(['error a failed: reason'])
  })

  test('for each lineage', () => {
    const { outcome: logOutcome, logged } = openLog()
    for (const name of ['a', 'b', 'a', 'b']) logOutcome(failed('NETWORK', name))
    expect(logged).toHaveLength(2)
  })

  test('again if it differs from the last one, or after a success', () => {
    const { outcome: logOutcome, logged } = openLog()
    for (const next of [failed('NETWORK'), failed('TLS'), unchanged, failed('TLS')]) logOutcome(next)
    expect(logged).toHaveLength(3)
  })

  test('once, if only waiting came in between', () => {
    const { outcome: logOutcome, logged } = openLog()
    for (let i = 0; i < 5; i++) for (const next of [failed('NETWORK'), waiting]) logOutcome(next)
    expect(logged).toHaveLength(1)
  })

  test('each time if it is an upload', () => {
    const { outcome: logOutcome, logged } = openLog()
    logOutcome(uploaded)
    logOutcome(uploaded)
    expect(logged).toHaveLength(2)
    expect(logged[0]).toMatch(/^info a uploaded as ID2/)
  })
})

describe('not logged for each certificate', () => {
  test.each(['PAIR_INCOMPLETE', 'PAIR_CHANGING', 'KEY_MISMATCH', 'CHAIN_INCOMPLETE'] as const)(
    'a lineage that is mid-change (%s)',
    code => {
      const { outcome: logOutcome, logged } = openLog()
      logOutcome(failed(code))
      expect(logged).toEqual([])
    },
  )

  test.each(['API_FORBIDDEN', 'CREDENTIALS_MISSING', 'UPLOADS_PAUSED', 'INTERRUPTED'] as const)(
    'a fault of the account, which the circuit breaker logs (%s)',
    code => {
      const { outcome: logOutcome, logged } = openLog()
      logOutcome(failed(code))
      expect(logged).toEqual([])
    },
  )

  test('an unusable state directory: logged once for all, and again after it was usable', () => {
    const { outcome: logOutcome, logged } = openLog()
    const unusable = (lineage: string) => failed('STATE_DIR_UNUSABLE', lineage, 'the disk is full')
    for (const name of ['a', 'b', 'a', 'b']) logOutcome(unusable(name))
    expect(logged).toEqual(['error a failed: the disk is full'])
    for (const next of [unchanged, unusable('b')]) logOutcome(next)
    expect(logged).toHaveLength(2)
  })

  test.each(['NETWORK', 'TLS', 'TIMEOUT', 'REPLY_UNREADABLE'] as const)(
    'an outage (%s): logged once for all, as is its end',
    code => {
      const { outcome: logOutcome, serviceUnreachable, serviceRecovered, logged } = openLog()
      for (let i = 0; i < 2; i++) serviceUnreachable(new Fault(code, 'no answer'))
      for (const name of ['a', 'b']) logOutcome(failed(code, name))
      for (let i = 0; i < 2; i++) serviceRecovered()
      expect(logged).toEqual([
        'error service unreachable, uploads wait until it answers: no answer',
        'info service reachable again: waiting uploads are retried now',
      ])
    },
  )

  test('in an outage, faults of one certificate and of the disk are logged all the same', () => {
    const { outcome: logOutcome, serviceUnreachable, logged } = openLog()
    serviceUnreachable(new Fault('NETWORK', 'no answer'))
    logOutcome(failed('API_UNAVAILABLE', 'a'))
    logOutcome(failed('FILE_UNREADABLE', 'b'))
    expect(logged).toHaveLength(3)
  })

  test('a renewal that is incomplete for ten minutes is logged', () => {
    const { longPending, logged } = openLog()
    longPending('a')
    expect(logged).toEqual([
      'warn a: key and certificate have not matched for ten minutes (renewal incomplete?)',
    ])
  })
})

describe('overdue renewal', () => {
  const known = { ...unchanged, bundle }

  test('it is warned of once a day, with the days that are left', () => {
    const { outcome: logOutcome, logged, clock } = openLog()
    for (; clock.now < START + 3 * DAY; clock.now += DAY / 4) logOutcome(known)
    expect(logged).toEqual(
      [20, 19, 18].map(days => `warn a expires in ${days} days and has not been renewed`),
    )
  })

  test('it is warned of until and after the certificate expires', () => {
    const { outcome: logOutcome, logged, clock } = openLog()
    for (const days of [18.5, 21]) {
      clock.now = START + days * DAY
      logOutcome(known)
    }
    expect(logged).toEqual([
      'warn a expires in 1 day and has not been renewed',
      'warn a has expired and has not been renewed',
    ])
  })

  test('it is not warned of while more than a third of its life is left', () => {
    const { outcome: logOutcome, logged, clock } = openLog()
    clock.now = START - 10 * DAY
    logOutcome(known)
    expect(logged).toEqual([])
  })
})
