import { beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/certificate/bundle.ts'
import { Fault } from '../../src/errors.ts'
import { exitOf, type Outcome, summaryOf } from '../../src/upload/outcome.ts'
import { abortedEntry, outcomeEntry, summaryEntry, traceOf } from '../../src/upload/report.ts'
import { bundleOf } from '../fixtures/samples.ts'

const LINEAGE = 'certbot:example.com'
let bundle: Bundle
beforeAll(async () => {
  bundle = await bundleOf({ names: ['example.com'], notAfter: new Date('2031-05-30T01:02:03Z') })
})
const about = () => ({ lineage: LINEAGE, elapsedMs: 84, bundle })
const uploaded = (changes: object = {}): Outcome => ({
  ...about(),
  outcome: 'uploaded',
  because: 'changed',
  certificateId: 'a92b1Z1i',
  reused: false,
  requestId: 'r-1',
  attempts: 2,
  supersedes: 'oldId123',
  ...changes,
})

describe('an upload is logged at info with all that the contract names', () => {
  test('fields for machines', () => {
    expect(outcomeEntry(uploaded())).toMatchObject({
      level: 'info',
      fields: {
        event: 'uploaded',
        lineage: LINEAGE,
        names: ['example.com'],
        notAfter: '2031-05-30T01:02:03.000Z',
        fingerprint: bundle.fingerprint,
        certificateId: 'a92b1Z1i',
        requestId: 'r-1',
        because: 'changed',
        attempts: 2,
        elapsedMs: 84,
        reused: false,
        supersedes: 'oldId123',
      },
    })
  })

  test.each([
    [{}, '(changed, valid until 2031-05-30, replaces oldId123)'],
    [{ supersedes: null, because: 'first-seen' }, '(first-seen, valid until 2031-05-30)'],
    [
      { supersedes: null, because: 'forced', reused: true },
      '(forced, valid until 2031-05-30, the service already had it)',
    ],
    [
      { supersedes: null, reused: true },
      '(changed, valid until 2031-05-30, the service kept its copy of the same leaf)',
    ],
    [
      { because: 'older' },
      '(older: it begins and ends before the one uploaded last, valid until 2031-05-30, replaces oldId123)',
    ],
  ])('a message for people %#', (changes, details) => {
    expect(outcomeEntry(uploaded(changes)).message).toBe(`${LINEAGE} uploaded as a92b1Z1i ${details}`)
  })
})

describe('everything else', () => {
  const fault = new Fault('EXPIRED', 'it expired on 2026-01-01')
  test('unchanged is for who asks: debug', () => {
    const entry = outcomeEntry({
      ...about(),
      outcome: 'unchanged',
      because: 'unchanged',
      certificateId: 'a92b1Z1i',
    })
    expect([entry.level, entry.message]).toEqual([
      'debug',
      `${LINEAGE} unchanged, a92b1Z1i (valid until 2031-05-30)`,
    ])
  })

  test('a dry run says what would be', () => {
    const entry = outcomeEntry({ ...about(), outcome: 'planned', because: 'first-seen' })
    expect([entry.level, entry.message]).toEqual([
      'info',
      `${LINEAGE} would be uploaded (first-seen, valid until 2031-05-30)`,
    ])
  })

  test('a refusal warns, with its advice beside it', () => {
    const entry = outcomeEntry({ ...about(), outcome: 'refused', because: 'expired', fault })
    expect(entry).toMatchObject({
      level: 'warn',
      message: `${LINEAGE} not uploaded: it expired on 2026-01-01`,
      fields: { event: 'refused', because: 'expired', code: 'EXPIRED', retry: 'never', advice: fault.advice },
    })
    expect(entry.fields).not.toHaveProperty('message')
  })

  test('what is mid-change is pending and warns, what is broken has failed and is an error', () => {
    const of = (fault: Fault) => outcomeEntry({ lineage: LINEAGE, elapsedMs: 1, outcome: 'failed', fault })
    expect(of(new Fault('KEY_MISMATCH', 'no'))).toMatchObject({
      level: 'warn',
      message: `${LINEAGE} pending: no`,
    })
    expect(of(new Fault('KEY_INVALID', 'no'))).toMatchObject({
      level: 'error',
      message: `${LINEAGE} failed: no`,
      fields: { event: 'failed', lineage: LINEAGE, elapsedMs: 1, code: 'KEY_INVALID' },
    })
  })

  test('no entry holds a key', () => {
    const all = [uploaded(), { ...about(), outcome: 'failed', fault } as const].map(outcomeEntry)
    expect(JSON.stringify(all)).not.toContain('PRIVATE KEY')
  })

  test("the account's fault is an error that stops the run", () => {
    expect(abortedEntry(new Fault('API_FORBIDDEN', 'not allowed'))).toMatchObject({
      level: 'error',
      message: 'stopped: not allowed',
      fields: { event: 'stopped', code: 'API_FORBIDDEN' },
    })
  })
})

describe('a run in one line', () => {
  const [waiting, broken] = [new Fault('KEY_MISMATCH', 'no'), new Fault('KEY_INVALID', 'no')]
  const failing = (fault: Fault): Outcome => ({ lineage: LINEAGE, outcome: 'failed', fault, elapsedMs: 1 })
  const went = uploaded()
  test.each<readonly [string, readonly Outcome[], number, string, string]>([
    ['nothing there', [], 5, 'info', 'no certificates, in 5 ms'],
    ['two uploaded', [went, went], 1_000, 'info', '2 uploaded, in 1.0 s'],
    [
      'what is pending is distinguished from what failed',
      [went, failing(waiting), failing(broken)],
      61_234,
      'warn',
      '1 uploaded, 1 failed, 1 pending, in 61.2 s; exit 65',
    ],
    ['pending alone', [failing(waiting)], 999, 'warn', '1 pending, in 999 ms; exit 75'],
  ])('%s', (_title, outcomes, elapsedMs, level, message) => {
    const [summary, exit] = [summaryOf(outcomes), exitOf(outcomes)]
    expect(summaryEntry(outcomes, elapsedMs)).toEqual({
      level,
      message,
      fields: { event: 'run_finished', summary, exit, elapsedMs },
    })
  })
})

test('it says where an error happened and not a line of what it said', () => {
  const lines = traceOf(new Error('hush\n-----BEGIN PRIVATE KEY-----\nhush\n'))
  expect(lines[0]).toMatch(/^ +at .*report\.test\.ts:\d+/)
  expect(lines.join('\n')).not.toMatch(/hush|BEGIN/)
})

test('what is no error has none', () => {
  expect(traceOf('hush')).toEqual([])
})
