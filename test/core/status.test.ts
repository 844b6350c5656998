import { stripVTControlCharacters } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/core/bundle.ts'
import { Fault, type FaultCode } from '../../src/core/fault.ts'
import type { Outcome, Verdict } from '../../src/core/outcome.ts'
import { type StatusRow, statusRow, statusTable } from '../../src/core/status.ts'
import { bundleOf, receiptWith, upload } from './samples.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const LINEAGE = 'certbot:example.com'
let bundle: Bundle
beforeAll(async () => {
  bundle = await bundleOf({ names: ['example.com'], notAfter: new Date('2026-05-30T00:00:00Z') })
})

const outcome = (verdict: Verdict, withBundle = true): Outcome => ({
  ...verdict,
  lineage: LINEAGE,
  elapsedMs: 1,
  ...(withBundle && { bundle }),
})
const failed = (code: FaultCode) => outcome({ outcome: 'failed', fault: new Fault(code, 'what happened') })

describe('a row', () => {
  test('of what is uploaded as it stands', () => {
    const unchanged = outcome({ outcome: 'unchanged', because: 'unchanged', certificateId: 'a92b1Z1i' })
    expect(statusRow({ outcome: unchanged, receipt: receiptWith() }, NOW)).toEqual({
      lineage: LINEAGE,
      state: 'ok',
      names: ['example.com'],
      notAfter: '2026-05-30T00:00:00.000Z',
      daysLeft: 89,
      certificateId: 'a92b1Z1i',
      uploadedAt: '2026-01-02T03:04:05.678Z',
      supersedes: [],
      reason: null,
      advice: null,
    })
  })

  test.each<readonly [string, () => Outcome]>([
    ['new', () => outcome({ outcome: 'planned', because: 'first-seen' })],
    ['changed', () => outcome({ outcome: 'planned', because: 'changed' })],
    ['pending', () => failed('KEY_MISMATCH')],
    ['failed', () => failed('KEY_INVALID')],
    ['refused', () => outcome({ outcome: 'refused', because: 'expired', fault: new Fault('EXPIRED', 'x') })],
  ])('of state %s', (state, of) => {
    const row = statusRow({ outcome: of(), receipt: undefined }, NOW)
    expect(row).toMatchObject({ state, certificateId: null, uploadedAt: null, supersedes: [] })
    expect(row.reason === null).toBe(state === 'new' || state === 'changed')
    expect(row.advice === null).toBe(row.reason === null)
  })

  test('of what is no longer on disk is told from its receipt', () => {
    const superseded = [{ ...upload({ certificateId: 'old' }), supersededAt: upload().uploadedAt }]
    expect(statusRow({ receipt: receiptWith({ superseded }) }, NOW)).toMatchObject({
      lineage: LINEAGE,
      state: 'gone',
      notAfter: '2026-04-01T00:00:00.000Z',
      daysLeft: 30,
      supersedes: ['old'],
    })
  })

  test('of what cannot be read now still says what was uploaded', () => {
    const broken = outcome({ outcome: 'failed', fault: new Fault('PAIR_INCOMPLETE', 'x') }, false)
    expect(statusRow({ outcome: broken, receipt: receiptWith() }, NOW)).toMatchObject({
      state: 'pending',
      names: ['example.com'],
      certificateId: 'a92b1Z1i',
      daysLeft: 30,
    })
  })

  test('counts full days, below zero once it has expired', () => {
    const left = (notAfter: string) =>
      statusRow({ receipt: receiptWith({ uploaded: upload({ notAfter }) }) }, NOW).daysLeft
    expect(left('2026-03-02T12:00:00.000Z')).toBe(1)
    expect(left('2026-03-02T11:59:59.000Z')).toBe(0)
    expect(left('2026-03-01T11:59:59.000Z')).toBe(-1)
  })
})

describe('the table', () => {
  const screen = { colours: false, columns: 80 }
  const row = (changes: Partial<StatusRow> = {}): StatusRow => ({
    ...statusRow({ receipt: receiptWith() }, NOW),
    state: 'ok',
    ...changes,
  })
  const lines = (...rows: readonly StatusRow[]) => statusTable(rows, screen).trimEnd().split('\n')

  test('says so where there is nothing', () => {
    expect(statusTable([], screen)).toBe('No certificates: nothing on disk, nothing uploaded.\n')
  })

  test('stands in columns', () => {
    expect(
      lines(
        row(),
        row({ lineage: 'pem:ca', state: 'new', certificateId: null, uploadedAt: null, daysLeft: null }),
      ),
    ).toEqual([
      'LINEAGE              STATE  DAYS LEFT  CERTIFICATE ID  UPLOADED',
      'certbot:example.com  ok     30         a92b1Z1i        2026-01-02',
      'pem:ca               new    -          -               -',
    ])
  })

  test('fits into 80 columns, whatever the names, states and days', () => {
    const long = row({
      lineage: `acme.sh:*.${'very-long-'.repeat(20)}example.com_ecc`,
      state: 'pending',
      daysLeft: -12_345,
      reason: 'word '.repeat(60),
      advice: 'more '.repeat(60),
    })
    const all = lines(row(), long)
    for (const line of all.filter(line => !line.includes('very-long')))
      expect(line.length).toBeLessThanOrEqual(80)
    expect(all[2]?.length).toBeLessThanOrEqual(80)
    expect(all[2]).toMatch(/^acme\.sh:\*\.very-lon…ample\.com_ecc {2}pending/)
  })

  test('reasons and advice follow it', () => {
    expect(lines(row({ state: 'failed', reason: 'no key', advice: 'Find it.' })).slice(2)).toEqual([
      '',
      'certbot:example.com: no key',
      '  → Find it.',
    ])
  })

  test('colours change nothing but the colour', () => {
    const rows = (['ok', 'new', 'changed', 'pending', 'refused', 'failed', 'gone'] as const).map(state =>
      row({ state }),
    )
    const coloured = statusTable(rows, { ...screen, colours: true })
    expect(coloured.split('\u001b[').length).toBe(2 * rows.length + 1)
    expect(stripVTControlCharacters(coloured)).toBe(statusTable(rows, screen))
  })

  test('a name, an ID or a reason cannot steer the terminal', () => {
    const evil = '\u001b]0;x\u0007\nfake line\u202e'
    const text = lines(
      row({ lineage: evil, certificateId: evil, state: 'failed', reason: evil, advice: 'Look.' }),
    )
    expect(text.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(text).toHaveLength(5)
  })
})
