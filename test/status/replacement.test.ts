/** What `status` says of a replacement: a word in the table, the reason below it, everything with a name. */
import { describe, expect, test } from 'vitest'
import { type DeployKeys, deploySettings } from '../../src/config/deploy.ts'
import type { Superseded } from '../../src/receipts/receipt.ts'
import {
  enter,
  type Job,
  newReplacement,
  type Replacement,
  type ReplacementState,
} from '../../src/receipts/replacement.ts'
import { edgeNotes } from '../../src/status/attention.ts'
import { statusDetail } from '../../src/status/detail.ts'
import { replacementStatus, replacementWord } from '../../src/status/replacement.ts'
import { statusRow } from '../../src/status/status.ts'
import { statusTable } from '../../src/status/table.ts'
import { receiptWith, upload } from '../fixtures/samples.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const SCREEN = { colours: false, columns: 80 }
const { certificateId: NEW, endpoint } = upload()
const OLD: Superseded = {
  ...upload({ certificateId: 'oldAAAA1', notBefore: '2025-10-01T00:00:00.000Z' }),
  supersededAt: '2026-02-28T11:00:00.000Z',
}

const JOB: Job = {
  from: OLD.certificateId,
  to: NEW,
  types: ['cdn', 'clb'],
  regions: { clb: ['ap-guangzhou'] },
  askedAt: '2026-03-01T11:58:00.000Z',
  recordId: '8591698084',
  total: 5,
  done: 2,
  failures: [],
}

const RESOURCES = [
  { type: 'cdn', region: '', instance: 'www.example.com', domains: ['www.example.com'] },
  { type: 'clb', region: 'ap-guangzhou', instance: 'lb-1 lbl-1', domains: ['shop.example.com'] },
].map(one => ({ ...one, certificateId: OLD.certificateId }))

const inState = (state: ReplacementState, more: Partial<Replacement> = {}): Replacement => ({
  ...enter(newReplacement(NEW, NOW), state, NOW),
  resources: RESOURCES,
  ...more,
})

interface Known {
  readonly replacement?: Replacement
  readonly superseded?: readonly Superseded[]
  readonly deploy?: DeployKeys
}

const statusOf = ({ replacement, superseded = [OLD], deploy = { replace: true } }: Known) =>
  replacementStatus(
    receiptWith({ superseded, ...(replacement && { replacement }) }),
    deploySettings(deploy),
    endpoint,
    NOW,
  )
const rowOf = (known: Known) =>
  statusRow(
    {
      receipt: receiptWith({
        superseded: known.superseded ?? [OLD],
        ...(known.replacement && { replacement: known.replacement }),
      }),
      replacement: statusOf(known),
    },
    NOW,
  )
const linesOf = (...all: readonly Known[]) => statusTable(all.map(rowOf), SCREEN).trimEnd().split('\n')

test.each<readonly [string, Known]>([
  ['ok', { replacement: inState('verified') }],
  ['replaced', { replacement: inState('replaced') }],
  ['replacing', { replacement: inState('surveying') }],
  ['replacing 2/5', { replacement: inState('running', { jobs: [JOB] }) }],
  ['failed', { replacement: inState('asked', { code: 'API_FORBIDDEN', reason: 'not allowed' }) }],
  ['partly 2/5', { replacement: inState('partly', { jobs: [{ ...JOB, endedAt: NOW.toISOString() }] }) }],
  ['waiting', { replacement: inState('foreign') }],
  ['not bound', { replacement: inState('nothing-bound') }],
  ['uncovered', { replacement: inState('uncovered') }],
  ['untrusted', { replacement: inState('untrusted') }],
  ['unverified', { replacement: inState('unverified') }],
  ['stale', { replacement: inState('stale') }],
  ['held', { replacement: inState('held') }],
  ['due', {}],
])('the word is %s', (word, known) => {
  const status = statusOf(known)
  expect(status && replacementWord(status)).toBe(word)
  const [head = '', line = ''] = linesOf(known)
  expect(line.slice(head.indexOf('EDGE'), head.indexOf('EDGE') + word.length)).toBe(word)
  expect(line.length).toBeLessThanOrEqual(80)
})

test.each<readonly [string, Known]>([
  ['replace is off', { deploy: {} }],
  ['no older ID is known', { superseded: [] }],
  [
    'what is recorded is of an earlier certificate, and replace is off since',
    { deploy: {}, replacement: { ...inState('verified'), to: 'oldAAAA1' } },
  ],
])('the table is as it was where %s', (_, known) => {
  expect(statusOf(known)).toBeUndefined()
  expect(linesOf(known)[0]).toBe('LINEAGE              STATE    DAYS LEFT  ID        UPLOADED')
})

test('what was replaced stays shown after replace is switched off', () => {
  expect(linesOf({ deploy: {}, replacement: inState('verified') })[0]).toContain('EDGE')
})

test('UPLOADED gives way where names would be cut', () => {
  const known: Known = { replacement: inState('running', { jobs: [JOB] }) }
  const long = { ...rowOf(known), lineage: `certbot:${'a'.repeat(12)}.example.com` }
  const [head, line] = statusTable([long], SCREEN).split('\n')
  expect(head).not.toContain('UPLOADED')
  expect(line).toContain(`${long.lineage} `)
  expect(linesOf(known)[0]).toContain('UPLOADED')
})

test('the reason, the next check and the advice are noted, once for all that share them', () => {
  const replacement = inState('uncovered', {
    reason: 'it does not cover b.example.com (cdn)',
    advice: 'Issue a certificate with these names.',
    nextCheckAt: '2026-03-01T12:15:00.000Z',
  })
  const known = { replacement }
  expect(edgeNotes([rowOf(known), rowOf(known)], NOW)).toEqual([
    {
      text: 'certbot:example.com and 1 more: uncovered: it does not cover b.example.com (cdn) (next check in 15 minutes)',
      advice: 'Issue a certificate with these names.',
    },
  ])
  expect(linesOf(known, known).at(-1)).toBe('2 certificates: 2 removed; edge: 2 uncovered')
})

describe('the ID that a resource uses', () => {
  const ended = { ...JOB, total: 2, endedAt: NOW.toISOString() }
  const failure = { ...RESOURCES[1], message: 'resource is operating' } as Job['failures'][number]
  test.each<readonly [string, Partial<Replacement>, readonly string[]]>([
    ['before a job', {}, [OLD.certificateId, OLD.certificateId]],
    ['during one', { jobs: [{ ...JOB, total: 2, done: 1 }] }, [OLD.certificateId, OLD.certificateId]],
    [
      'after one of which one failed',
      { jobs: [{ ...ended, done: 1, failures: [failure] }] },
      [NEW, OLD.certificateId],
    ],
    [
      'after one that found nothing',
      { jobs: [{ ...ended, total: 0, done: 0 }] },
      [OLD.certificateId, OLD.certificateId],
    ],
    ['when all are replaced', { jobs: [{ ...ended, done: 2 }], replacedAt: NOW.toISOString() }, [NEW, NEW]],
    [
      'after a rollback',
      {
        jobs: [
          { ...ended, from: NEW, to: OLD.certificateId, done: 2 },
          { ...ended, done: 2 },
        ],
        replacedAt: NOW.toISOString(),
      },
      [OLD.certificateId, OLD.certificateId],
    ],
  ])('%s', (_, more, ids) => {
    const status = statusOf({ replacement: inState('partly', more) })
    expect(status?.bound.map(({ certificateId }) => certificateId)).toEqual(ids)
  })
})

test('a name shows everything: IDs, job, resources, failures, handshakes, the next check', () => {
  const failure = { ...RESOURCES[1], message: 'resource is operating' } as Job['failures'][number]
  const replacement = inState('partly', {
    jobs: [{ ...JOB, total: 2, done: 1, failures: [failure], retried: true, endedAt: NOW.toISOString() }],
    handshakes: [
      { name: 'www.example.com', address: '203.0.113.7:443', leaf: 'new' },
      { name: 'shop.example.com', address: '203.0.113.8:443', leaf: 'none', detail: 'ECONNREFUSED' },
    ],
    reason: 'clb ap-guangzhou lb-1 lbl-1 shop.example.com still uses oldAAAA1 (resource is operating)',
    nextCheckAt: '2026-03-01T12:15:00.000Z',
  })
  const superseded: readonly Superseded[] = [
    { ...OLD, reused: false, bound: 'yes', boundAt: NOW.toISOString() },
    { ...OLD, certificateId: 'oldBBBB2', silencedAt: NOW.toISOString(), deletedAt: NOW.toISOString() },
  ]
  const text = statusDetail(rowOf({ replacement, superseded }), SCREEN, NOW)
  expect(text).toMatchInlineSnapshot(`
    "certbot:example.com
      state        removed, 30 days left, until 2026-04-01 00:00 UTC
      names        example.com
      ID           a92b1Z1i, uploaded 2026-01-02 03:04 UTC
      older IDs    oldAAAA1 superseded 2026-02-28, created by this host, bound on
                   2026-03-01
                   oldBBBB2 superseded 2026-02-28, silenced 2026-03-01, deleted
                   2026-03-01
      edge         partly 1/2, since 2026-03-01 12:00 UTC
                   clb ap-guangzhou lb-1 lbl-1 shop.example.com still uses oldAAAA1
                   (resource is operating)
                   → See each resource with \`certferry status NAME\`; the next run
                   retries those that are left.
      jobs         oldAAAA1 → a92b1Z1i: record 8591698084, asked 2026-03-01 11:58
                   UTC, 1 of 2 done, 1 failed, retried once, ended 2026-03-01 12:00
                   UTC
      resources    cdn                            www.example.com   on a92b1Z1i
                   clb  ap-guangzhou  lb-1 lbl-1  shop.example.com  on oldAAAA1
      failed       clb ap-guangzhou lb-1 lbl-1 shop.example.com: resource is
                   operating
      handshakes   www.example.com   203.0.113.7:443  new
                   shop.example.com  203.0.113.8:443  none (ECONNREFUSED)
      next check   in 15 minutes by the daemon; at once by the next sync
    "
  `)
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
})
