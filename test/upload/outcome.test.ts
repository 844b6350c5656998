import { beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/certificate/bundle.ts'
import { Fault, faultJson } from '../../src/errors.ts'
import { type Outcome, outcomeJson, runJson } from '../../src/upload/outcome.ts'
import { encrypted, issue } from '../fixtures/certificates.ts'
import { proven } from '../fixtures/samples.ts'

const LINEAGE = 'certbot:example.com'
let bundle: Bundle
let keyBody: string
beforeAll(async () => {
  const pair = await issue({
    names: ['example.com'],
    notBefore: new Date('2026-03-01T00:00:00Z'),
    notAfter: new Date('2026-05-30T01:02:03Z'),
  })
  bundle = proven(pair.chain, encrypted(pair.key, 'sesame'), 'sesame')
  keyBody = pair.key.split('\n')[1] ?? ''
})

const uploaded = (): Outcome => ({
  lineage: LINEAGE,
  outcome: 'uploaded',
  because: 'first-seen',
  certificateId: 'a92b1Z1i',
  reused: false,
  requestId: 'r-1',
  attempts: 1,
  supersedes: null,
  elapsedMs: 84,
  bundle,
})
const failed = (fault: Fault): Outcome => ({ lineage: LINEAGE, outcome: 'failed', fault, elapsedMs: 3 })
const json = (value: unknown) => JSON.parse(JSON.stringify(value))
const seen = () => ({
  fingerprint: bundle.fingerprint,
  leaf: bundle.leaf,
  names: ['example.com'],
  notBefore: '2026-03-01T00:00:00.000Z',
  notAfter: '2026-05-30T01:02:03.000Z',
})

describe('the JSON of an outcome', () => {
  test('uploaded', () => {
    expect(json(outcomeJson(uploaded()))).toEqual({
      lineage: LINEAGE,
      outcome: 'uploaded',
      because: 'first-seen',
      certificateId: 'a92b1Z1i',
      reused: false,
      requestId: 'r-1',
      ...seen(),
      attempts: 1,
      elapsedMs: 84,
      supersedes: null,
    })
    expect(Object.keys(outcomeJson(uploaded())).join()).toBe(
      'lineage,outcome,because,certificateId,reused,requestId,fingerprint,leaf,names,notBefore,notAfter,attempts,elapsedMs,supersedes',
    )
  })

  test('unchanged and planned', () => {
    const about = { lineage: LINEAGE, elapsedMs: 2, bundle }
    const unchanged = { outcome: 'unchanged', because: 'unchanged', certificateId: 'a92b1Z1i' } as const
    const planned = { outcome: 'planned', because: 'changed' } as const
    for (const verdict of [unchanged, planned])
      expect(json(outcomeJson({ ...about, ...verdict }))).toEqual({
        lineage: LINEAGE,
        ...verdict,
        ...seen(),
        elapsedMs: 2,
      })
  })

  test('failed without a valid pair', () => {
    expect(json(outcomeJson(failed(new Fault('KEY_MISMATCH', 'the key does not belong'))))).toEqual({
      lineage: LINEAGE,
      outcome: 'failed',
      elapsedMs: 3,
      fault: {
        code: 'KEY_MISMATCH',
        apiCode: null,
        retry: 'recheck',
        message: 'the key does not belong',
        advice: expect.stringContaining('renewal'),
      },
    })
  })

  test('refused, with reason and fault', () => {
    const fault = new Fault('REJECTED_BEFORE', 'x', { apiCode: 'FailedOperation.CertificateInvalid' })
    const refused = { lineage: LINEAGE, elapsedMs: 2, bundle, fault } as const
    expect(json(outcomeJson({ ...refused, outcome: 'refused', because: 'rejected-before' }))).toMatchObject({
      outcome: 'refused',
      because: 'rejected-before',
      ...seen(),
      fault: { code: 'REJECTED_BEFORE', apiCode: 'FailedOperation.CertificateInvalid', retry: 'never' },
    })
  })

  test('a fault with its request ID', () => {
    expect(faultJson(new Fault('API_UNKNOWN_ERROR', 'x', { requestId: 'r-2' }))).toHaveProperty(
      'requestId',
      'r-2',
    )
    expect(faultJson(new Fault('API_UNKNOWN_ERROR', 'x'))).not.toHaveProperty('requestId')
  })
})

describe('the JSON of a run', () => {
  test('has counts and the exit code', () => {
    const outcomes = [
      uploaded(),
      uploaded(),
      failed(new Fault('KEY_MISMATCH', 'x')),
      failed(new Fault('EXPIRED', 'x')),
    ]
    expect(runJson(outcomes)).toMatchObject({
      summary: { uploaded: 2, unchanged: 0, refused: 0, failed: 2, planned: 0, replaced: 0, replacing: 0 },
      exit: 65,
    })
    expect(runJson(outcomes).results).toHaveLength(4)
  })

  test('over no certificates has exit code 0', () => {
    expect(runJson([])).toEqual({
      results: [],
      summary: { uploaded: 0, unchanged: 0, refused: 0, failed: 0, planned: 0, replaced: 0, replacing: 0 },
      exit: 0,
    })
  })
})

test('the JSON of a run has no key, password or chain', () => {
  const secretive = new Fault('API_REJECTED', 'no', { cause: new Error(keyBody) })
  const outcomes = [uploaded(), { ...failed(secretive), bundle }]
  const text = JSON.stringify(runJson(outcomes))
  expect(text).not.toMatch(/PRIVATE KEY|BEGIN|sesame/)
  expect(text).not.toContain(keyBody)
  // the bundle has the key that is searched for
  expect(bundle.key?.pem.reveal()).toMatch(/PRIVATE KEY/)
})
