import { describe, expect, test } from 'vitest'
import { createDaemonLog } from '../../src/daemon/log.ts'
import { Fault, type FaultCode } from '../../src/errors.ts'
import type { Outcome, Verdict } from '../../src/upload/outcome.ts'
import { bundleOf } from '../fixtures/samples.ts'

const DAY = 86_400_000
const START = Date.parse('2026-06-01T00:00:00Z')

const bundle = await bundleOf({
  notBefore: new Date(START - 70 * DAY),
  notAfter: new Date(START + 20 * DAY),
})

/** A voice, and what it says above `debug`. */
function stage() {
  const clock = { now: START }
  const said: string[] = []
  const say = (level: string) => (_: unknown, text?: string) => void said.push(`${level} ${text}`)
  const log = { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error') }
  return {
    clock,
    said,
    ...createDaemonLog(log, () => clock.now),
  }
}

const outcome = (verdict: Verdict, lineage = 'a'): Outcome => ({ ...verdict, lineage, elapsedMs: 1 })
const failed = (code: FaultCode, lineage = 'a', message = 'so it is') =>
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

describe('news', () => {
  test('is said once, however often it is met again', () => {
    const { outcome: tell, said } = stage()
    for (let i = 0; i < 5; i++) tell(failed('NETWORK'))
    expect(said).toEqual(['error a failed: so it is'])
  })

  test('is said of each lineage', () => {
    const { outcome: tell, said } = stage()
    for (const name of ['a', 'b', 'a', 'b']) tell(failed('NETWORK', name))
    expect(said).toHaveLength(2)
  })

  test('is what differs, and what comes again after it went well', () => {
    const { outcome: tell, said } = stage()
    for (const next of [failed('NETWORK'), failed('TLS'), unchanged, failed('TLS')]) tell(next)
    expect(said).toHaveLength(3)
  })

  test('is not made of the same failure by waiting for the next attempt in between', () => {
    const { outcome: tell, said } = stage()
    for (let i = 0; i < 5; i++) for (const next of [failed('NETWORK'), waiting]) tell(next)
    expect(said).toHaveLength(1)
  })

  test('is every upload', () => {
    const { outcome: tell, said } = stage()
    tell(uploaded)
    tell(uploaded)
    expect(said).toHaveLength(2)
    expect(said[0]).toMatch(/^info a uploaded as ID2/)
  })
})

describe('quiet', () => {
  test.each(['PAIR_INCOMPLETE', 'PAIR_CHANGING', 'KEY_MISMATCH', 'CHAIN_INCOMPLETE'] as const)(
    'is a lineage that is mid-change (%s)',
    code => {
      const { outcome: tell, said } = stage()
      tell(failed(code))
      expect(said).toEqual([])
    },
  )

  test.each(['API_FORBIDDEN', 'CREDENTIALS_MISSING', 'UPLOADS_PAUSED', 'INTERRUPTED'] as const)(
    'is a fault of the account, which the gate tells of (%s)',
    code => {
      const { outcome: tell, said } = stage()
      tell(failed(code))
      expect(said).toEqual([])
    },
  )

  test('is not a state directory that cannot be used: said once for all, and again after it could', () => {
    const { outcome: tell, said } = stage()
    const unusable = (lineage: string) => failed('STATE_DIR_UNUSABLE', lineage, 'the disk is full')
    for (const name of ['a', 'b', 'a', 'b']) tell(unusable(name))
    expect(said).toEqual(['error a failed: the disk is full'])
    for (const next of [unchanged, unusable('b')]) tell(next)
    expect(said).toHaveLength(2)
  })

  test.each(['NETWORK', 'TLS', 'TIMEOUT', 'REPLY_UNREADABLE'] as const)(
    'is each lineage in an outage (%s), which is said once for all, as is its end',
    code => {
      const { outcome: tell, serviceUnreachable: silent, serviceRecovered: heard, said } = stage()
      silent(new Fault(code, 'nobody there'))
      for (const name of ['a', 'b']) tell(failed(code, name))
      for (let i = 0; i < 2; i++) heard()
      expect(said).toEqual([
        'error service unreachable, uploads wait until it answers: nobody there',
        'info service reachable again: waiting uploads are retried now',
      ])
    },
  )

  test('is not, in an outage, what the service said of one certificate or what the disk does', () => {
    const { outcome: tell, serviceUnreachable: silent, said } = stage()
    silent(new Fault('NETWORK', 'nobody there'))
    tell(failed('API_UNAVAILABLE', 'a'))
    tell(failed('FILE_UNREADABLE', 'b'))
    expect(said).toHaveLength(3)
  })

  test('ends after ten minutes, and what to do is said', () => {
    const { longPending, said } = stage()
    longPending('a')
    expect(said).toEqual([
      'warn a: key and certificate have not matched for ten minutes (renewal incomplete?)',
    ])
  })
})

describe('a certificate that was not renewed in time', () => {
  const known = { ...unchanged, bundle }

  test('is warned of once a day, with the days that are left', () => {
    const { outcome: tell, said, clock } = stage()
    for (; clock.now < START + 3 * DAY; clock.now += DAY / 4) tell(known)
    expect(said).toEqual([20, 19, 18].map(days => `warn a expires in ${days} days and has not been renewed`))
  })

  test('is warned of to the end and beyond', () => {
    const { outcome: tell, said, clock } = stage()
    for (const days of [18.5, 21]) {
      clock.now = START + days * DAY
      tell(known)
    }
    expect(said).toEqual([
      'warn a expires in 1 day and has not been renewed',
      'warn a has expired and has not been renewed',
    ])
  })

  test('is not, before a third of its life is left', () => {
    const { outcome: tell, said, clock } = stage()
    clock.now = START - 10 * DAY
    tell(known)
    expect(said).toEqual([])
  })
})
