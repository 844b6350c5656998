import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { edgeNotes, isFailing, noteText, reasonNotes } from '../../src/status/attention.ts'
import { STATES, type StatusRow, statusRow } from '../../src/status/status.ts'
import { statusTable } from '../../src/status/table.ts'
import { displayWidth } from '../../src/terminal/text.ts'
import { receiptWith } from '../fixtures/samples.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const SCREEN = { colours: false, columns: 80 }

const row = (changes: Partial<StatusRow> = {}): StatusRow => ({
  ...statusRow({ receipt: receiptWith() }, NOW),
  state: 'ok',
  daysLeft: 44,
  lifetimeRemaining: 0.49,
  ...changes,
})
const screen = (columns: number, ...rows: readonly StatusRow[]) =>
  statusTable(
    rows,
    { colours: false, columns },
    {
      notes: [...reasonNotes(rows, NOW), ...edgeNotes(rows, NOW)].map(note => noteText(note, columns)),
      verbose: true,
    },
  )
const lines = (...rows: readonly StatusRow[]) =>
  screen(80, ...rows)
    .trimEnd()
    .split('\n')

test('without certificates the table is one sentence', () => {
  expect(statusTable([], SCREEN, { hidden: ['looked in certbot:/x'] })).toBe(
    'no certificates; looked in certbot:/x\n',
  )
})

test('the table has a row for each certificate and ends with the sum', () => {
  const unknown = {
    certificateId: null,
    uploadedAt: null,
    daysLeft: null,
    lifetimeRemaining: null,
    names: [],
  }
  expect(
    lines(
      row(),
      row({ lineage: 'certbot:old.example.com', state: 'expiring', daysLeft: 9, names: [] }),
      row({ lineage: 'pem:ca', state: 'new', ...unknown }),
      row({ lineage: 'pem:late', state: 'expired', daysLeft: -103, names: [] }),
    ),
  ).toEqual([
    'LINEAGE                  STATE     DAYS LEFT  ID        UPLOADED',
    'certbot:example.com      ok          44       a92b1Z1i  2026-01-02',
    'certbot:old.example.com  expiring     9       a92b1Z1i  2026-01-02',
    'pem:ca                   new       -          -         -',
    'pem:late                 expired   -103       a92b1Z1i  2026-01-02',
    '',
    '4 certificates: 1 ok, 1 new, 1 expiring, 1 expired',
  ])
})

test('80 columns hold lineages of 37 characters; longer ones are cut at the end', () => {
  const lineage = `certbot:${'a'.repeat(17)}.example.com`
  expect(lineage).toHaveLength(37)
  const all = lines(...STATES.map(state => row({ lineage, state, daysLeft: 398, names: [] })))
  for (const line of all.slice(1, STATES.length + 1))
    expect(line).toMatch(new RegExp(`^${lineage} .+ a92b1Z1i  2026-01-02$`))
  expect(Math.max(...all.map(line => line.length))).toBe(80)
  const [, cut] = lines(row({ lineage: `${lineage}.org`, state: 'expiring', names: [] }))
  expect(cut).toMatch(/^certbot:a+\.example\.com?… {2}expiring/)
})

test('the table keeps to the columns of the terminal', () => {
  const long = row({
    lineage: `acme.sh:*.${'very-long-'.repeat(20)}example.com_ecc`,
    certificateId: 'i'.repeat(40),
    names: Array.from({ length: 100 }, (_, i) => `${i}.${'very-long-'.repeat(i % 20)}example.com`),
    state: 'pending',
    daysLeft: -123,
    lifetimeRemaining: 0,
    reason: 'word '.repeat(60),
    advice: 'more '.repeat(60),
  })
  for (const columns of [80, 100, 132]) {
    const all = screen(columns, row(), long).split('\n')
    for (const line of all.filter(line => !line.includes('very-long-very')))
      expect(line.length).toBeLessThanOrEqual(columns)
  }
})

test('the table shows the names that are not part of the lineage', () => {
  const names = ['example.com', 'www.example.com', 'api.example.com']
  expect(lines(row({ names }))[2]).toBe('  www.example.com, api.example.com')
  expect(lines(row({ lineage: 'acme.sh:example.com_ecc', names: ['example.com'] }))[2]).toBe('')
  expect(lines(row({ lineage: 'pem:intranet', names }))[2]).toBe(`  ${names.join(', ')}`)
})

test('the table counts the names that do not fit', () => {
  const names = Array.from({ length: 100 }, (_, i) => `host-${i}.example.com`)
  const line = lines(row({ names }))[2] ?? ''
  expect(line).toBe('  host-0.example.com, host-1.example.com, host-2.example.com and 97 more')
  const longest = lines(row({ names: [`${'x'.repeat(60)}.${'y'.repeat(60)}.example`, 'b.example'] }))[2] ?? ''
  expect(longest).toMatch(/^ {2}x+\.y+… and 1 more$/)
  expect(longest).toHaveLength(80)
})

test('reasons and advice come first, one blank line apart', () => {
  expect(lines(row({ state: 'failed', reason: 'no key', advice: 'Find it.' })).slice(0, 4)).toEqual([
    'certbot:example.com: no key',
    '  → Find it.',
    '',
    'LINEAGE              STATE   DAYS LEFT  ID        UPLOADED',
  ])
})

test('the names of each certificate are for --verbose: one line each', () => {
  const rows = Array.from({ length: 200 }, () => row({ names: ['example.com', 'www.example.com'] }))
  const all = statusTable(rows, SCREEN).trimEnd().split('\n')
  expect(all).toHaveLength(203)
})

test('what is wrong, and what passes by itself', () => {
  const failing = (changes: Partial<StatusRow>) => isFailing(row(changes))
  for (const state of ['expiring', 'expired', 'retrying', 'rejected', 'refused', 'failed'] as const)
    expect(failing({ state })).toBe(true)
  for (const state of ['ok', 'new', 'changed', 'removed'] as const) expect(failing({ state })).toBe(false)
  expect(failing({ state: 'pending', reason: 'mid-change' })).toBe(false)
  expect(failing({ reason: 'an issuer has expired' })).toBe(true)
})

test('a Chinese name takes two columns a character, whole or cut', () => {
  const name = `pem:${'内网证书'.repeat(8)}`
  const [head = '', short = '', long = ''] = lines(
    row({ lineage: 'pem:内网证书', names: [] }),
    row({ lineage: name, names: [] }),
  )
  const column = (line: string, word: string) => displayWidth(line.slice(0, line.indexOf(word)))
  expect([column(short, 'ok'), column(long, 'ok')]).toEqual([column(head, 'STATE'), column(head, 'STATE')])
  expect(long).toMatch(/^pem:内.*… /)
  expect(displayWidth(long)).toBeLessThanOrEqual(80)
})

test('a retrying certificate has the time of its first failure and of the next attempt', () => {
  const failing = {
    state: 'retrying',
    reason: 'connection refused',
    retryingSince: '2026-03-01T09:00:00.000Z',
    nextAttemptAt: '2026-03-01T12:25:00.000Z',
  } as const
  const text = (changes: Partial<StatusRow>) => lines(row({ ...failing, ...changes })).join(' ')
  expect(text({})).toContain(
    'certbot:example.com: retrying since 2026-03-01 09:00 UTC, next attempt in 25 minutes: connection refused',
  )
  for (const nextAttemptAt of ['2026-03-01T11:00:00.000Z', '2026-02-30T99:00Z'])
    expect(text({ nextAttemptAt })).toContain('next attempt is due: connection refused')
})

test('a reason that many share is shown once, with the first failure and the next attempt of all', () => {
  const rows = Array.from({ length: 60 }, (_, i) =>
    row({
      lineage: `certbot:${i}.example`,
      names: [],
      state: 'retrying',
      reason: 'connection refused',
      advice: 'Nothing to do.',
      retryingSince: `2026-03-01T09:${String(59 - i).padStart(2, '0')}:00.000Z`,
      nextAttemptAt: `2026-03-01T12:${String(59 - i).padStart(2, '0')}:30.000Z`,
    }),
  )
  expect(lines(...rows).slice(0, 4)).toEqual([
    'certbot:0.example and 59 more: retrying since 2026-03-01 09:00 UTC, next attempt',
    'in 30 s: connection refused',
    '  → Nothing to do.',
    '',
  ])
})

test('colours change nothing else in the table', () => {
  const rows = STATES.map(state => row({ state, names: ['a.example'] }))
  const coloured = statusTable(rows, { ...SCREEN, colours: true })
  expect(coloured).not.toBe(statusTable(rows, SCREEN))
  expect(stripVTControlCharacters(coloured)).toBe(statusTable(rows, SCREEN))
  expect(statusTable(rows, SCREEN)).not.toContain('\u001b')
})

test('the days left turn yellow below a third of the lifetime and red at the end', () => {
  const colour = (lifetimeRemaining: number) =>
    statusTable([row({ lifetimeRemaining })], { ...SCREEN, colours: true }).match(/\[(\d+)m +44/)?.[1]
  expect([0.34, 0.33, 0.01, 0].map(colour)).toEqual(['32', '33', '33', '31'])
})

test('the table is plain ASCII', () => {
  expect(lines(row({ names: ['a.example', 'b.example'] })).join('')).toMatch(/^[ -~]+$/)
})

test('a name, an ID or a reason cannot control the terminal', () => {
  const evil = '\u001b]0;x\u0007\nfake line\u202e'
  const text = lines(
    row({
      lineage: evil,
      names: [`${evil}2`],
      certificateId: evil,
      state: 'failed',
      reason: evil,
      advice: 'See the log.',
    }),
  )
  expect(text.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  expect(text).toHaveLength(8)
})
