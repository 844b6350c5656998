import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
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
  lifeLeft: 0.49,
  ...changes,
})
const lines = (...rows: readonly StatusRow[]) => statusTable(rows, SCREEN, NOW).trimEnd().split('\n')

describe('the table', () => {
  test('says so where there is nothing', () => {
    expect(statusTable([], SCREEN, NOW)).toBe('No certificates: nothing on disk, nothing uploaded.\n')
  })

  test('stands in columns, the life left as a bar, and ends with the sum', () => {
    const unknown = { certificateId: null, uploadedAt: null, daysLeft: null, lifeLeft: null, names: [] }
    expect(
      lines(
        row(),
        row({ lineage: 'certbot:old.example.com', state: 'expiring', daysLeft: 9, lifeLeft: 0.1, names: [] }),
        row({ lineage: 'pem:ca', state: 'new', ...unknown }),
        row({ lineage: 'pem:late', state: 'expired', daysLeft: -103, lifeLeft: 0, names: [] }),
      ),
    ).toEqual([
      'LINEAGE                  STATE     DAYS LEFT          ID        UPLOADED',
      'certbot:example.com      ok        ######......   44  a92b1Z1i  2026-01-02',
      'certbot:old.example.com  expiring  ##..........    9  a92b1Z1i  2026-01-02',
      'pem:ca                   new       -                  -         -',
      'pem:late                 expired   ............ -103  a92b1Z1i  2026-01-02',
      '',
      '4 certificates: 1 ok, 1 new, 1 expiring, 1 expired',
    ])
  })

  test('holds lineages of 36 characters whole in 80 columns, in any state', () => {
    const lineage = `certbot:${'a'.repeat(16)}.example.com`
    expect(lineage).toHaveLength(36)
    const all = lines(...STATES.map(state => row({ lineage, state, daysLeft: 398, names: [] })))
    for (const line of all.slice(1, STATES.length + 1))
      expect(line).toMatch(new RegExp(`^${lineage} .+ a92b1Z1i  2026-01-02$`))
    expect(Math.max(...all.map(line => line.length))).toBe(80)
    expect(all[1]).toContain('###...')
  })

  test('cuts what is longer in the middle, and keeps to the columns there are', () => {
    const long = row({
      lineage: `acme.sh:*.${'very-long-'.repeat(20)}example.com_ecc`,
      certificateId: 'i'.repeat(40),
      names: Array.from({ length: 100 }, (_, i) => `${i}.${'very-long-'.repeat(i % 20)}example.com`),
      state: 'pending',
      daysLeft: -123,
      lifeLeft: 0,
      reason: 'word '.repeat(60),
      advice: 'more '.repeat(60),
    })
    for (const columns of [80, 100, 132]) {
      const all = statusTable([row(), long], { colours: false, columns }, NOW).split('\n')
      expect(all[2]).toMatch(/^acme\.sh.*….*_ecc {2}pending {2}\.{6}/)
      for (const line of all.filter(line => !line.includes('very-long-very')))
        expect(line.length).toBeLessThanOrEqual(columns)
    }
  })

  test('tells the names that the lineage does not', () => {
    const names = ['example.com', 'www.example.com', 'api.example.com']
    expect(lines(row({ names }))[2]).toBe('  www.example.com, api.example.com')
    expect(lines(row({ lineage: 'acme.sh:example.com_ecc', names: ['example.com'] }))[2]).toBe('')
    expect(lines(row({ lineage: 'pem:intranet', names }))[2]).toBe(`  ${names.join(', ')}`)
  })

  test('says how many names there are beside those that have room', () => {
    const names = Array.from({ length: 100 }, (_, i) => `host-${i}.example.com`)
    const line = lines(row({ names }))[2] ?? ''
    expect(line).toBe('  host-0.example.com, host-1.example.com, host-2.example.com and 97 more')
    const longest =
      lines(row({ names: [`${'x'.repeat(60)}.${'y'.repeat(60)}.example`, 'b.example'] }))[2] ?? ''
    expect(longest).toMatch(/^ {2}x+…y+\.example and 1 more$/)
    expect(longest).toHaveLength(80)
  })
})

describe('below the table', () => {
  test('reasons and advice follow, one blank line apart', () => {
    expect(lines(row({ state: 'failed', reason: 'no key', advice: 'Find it.' })).slice(2)).toEqual([
      '',
      'certbot:example.com: no key',
      '  → Find it.',
      '',
      '1 certificate: 1 failed',
    ])
  })

  test('a Chinese name takes two columns a character, whole or cut', () => {
    const name = `pem:${'内网证书'.repeat(8)}`
    const [head = '', short = '', long = ''] = lines(
      row({ lineage: 'pem:内网证书', names: [] }),
      row({ lineage: name, names: [] }),
    )
    const column = (line: string, word: string) => displayWidth(line.slice(0, line.indexOf(word)))
    expect([column(short, 'ok'), column(long, 'ok')]).toEqual([column(head, 'STATE'), column(head, 'STATE')])
    expect(long).toMatch(/^pem:内.*….*证书 /)
    expect(displayWidth(long)).toBeLessThanOrEqual(80)
  })

  test('what is failing says since when and when it is looked at next', () => {
    const failing = {
      state: 'failing',
      reason: 'connection refused',
      failingSince: '2026-03-01T09:00:00.000Z',
      nextLook: '2026-03-01T12:25:00.000Z',
    } as const
    const text = (changes: Partial<StatusRow>) => lines(row({ ...failing, ...changes })).join(' ')
    expect(text({})).toContain(
      'certbot:example.com: failing since 2026-03-01 09:00 UTC, next look in 25 minutes: connection refused',
    )
    for (const nextLook of ['2026-03-01T11:00:00.000Z', '2026-02-30T99:00Z'])
      expect(text({ nextLook })).toContain('next look is due: connection refused')
  })

  test('what many meet is said once, with the first of them, the longest wait and the soonest look', () => {
    const rows = Array.from({ length: 60 }, (_, i) =>
      row({
        lineage: `certbot:${i}.example`,
        names: [],
        state: 'failing',
        reason: 'connection refused',
        advice: 'Nothing to do.',
        failingSince: `2026-03-01T09:${String(59 - i).padStart(2, '0')}:00.000Z`,
        nextLook: `2026-03-01T12:${String(59 - i).padStart(2, '0')}:30.000Z`,
      }),
    )
    expect(lines(...rows).slice(61)).toEqual([
      '',
      'certbot:0.example and 59 more: failing since 2026-03-01 09:00 UTC, next look in',
      '30 s: connection refused',
      '  → Nothing to do.',
      '',
      '60 certificates: 60 failing',
    ])
  })
})

describe('for any terminal', () => {
  test('colours change nothing but the colour', () => {
    const rows = STATES.map(state => row({ state, names: ['a.example'] }))
    const coloured = statusTable(rows, { ...SCREEN, colours: true }, NOW)
    expect(coloured).not.toBe(statusTable(rows, SCREEN, NOW))
    expect(stripVTControlCharacters(coloured)).toBe(statusTable(rows, SCREEN, NOW))
    expect(statusTable(rows, SCREEN, NOW)).not.toContain('\u001b')
  })

  test('the bar turns yellow below a third and red at the end', () => {
    const bar = (lifeLeft: number) =>
      statusTable([row({ lifeLeft })], { ...SCREEN, colours: true }, NOW).match(/\[(\d+)m[#.]{6}/)?.[1]
    expect([0.34, 0.33, 0.01, 0].map(bar)).toEqual(['32', '33', '33', '31'])
  })

  test('the table is plain ASCII', () => {
    expect(lines(row({ names: ['a.example', 'b.example'] })).join('')).toMatch(/^[ -~]+$/)
  })

  test('a name, an ID or a reason cannot steer the terminal', () => {
    const evil = '\u001b]0;x\u0007\nfake line\u202e'
    const text = lines(
      row({
        lineage: evil,
        names: [`${evil}2`],
        certificateId: evil,
        state: 'failed',
        reason: evil,
        advice: 'Look.',
      }),
    )
    expect(text.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(text).toHaveLength(8)
  })
})
