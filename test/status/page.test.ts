import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { resolveSettings } from '../../src/config/settings.ts'
import { Fault, type FaultCode } from '../../src/errors.ts'
import type { Receipt } from '../../src/receipts/receipt.ts'
import { newReplacement } from '../../src/receipts/replacement.ts'
import { pemLineage } from '../../src/sources/lineage.ts'
import { statusPage } from '../../src/status/page.ts'
import { POLICY } from '../../src/status/pageStyle.ts'
import { lastEvents, statusView } from '../../src/status/view.ts'
import type { Outcome } from '../../src/upload/outcome.ts'
import { receiptWith, upload } from '../fixtures/samples.ts'

const HEX = 'e'.repeat(64)

const NOW = new Date('2026-02-01T12:00:00Z')

const lineage = (name: string) =>
  pemLineage(
    { kind: 'pem', name, chain: `/${name}`, key: `/${name}`, keys: {} },
    resolveSettings({}, {}, {}).forLineage,
  )

const receipt = (name: string, changes: Partial<Receipt> = {}) =>
  receiptWith({ lineage: `pem:${name}`, ...changes })

interface Sight {
  readonly names?: readonly string[]
  readonly receipts?: readonly Receipt[]
  readonly outcomes?: readonly Outcome[]
  readonly pausedUntil?: string
}

function viewOf({
  names = [],
  receipts = names.map(name => receipt(name)),
  outcomes = [],
  pausedUntil,
}: Sight) {
  return statusView({
    host: 'web1',
    version: '1.2.3',
    endpoint: 'ssl.tencentcloudapi.com',
    now: NOW,
    isRefreshed: false,
    isExcluded: id => id === 'pem:excluded',
    receipts,
    pause:
      pausedUntil === undefined
        ? undefined
        : { since: NOW.toISOString(), until: pausedUntil, message: 'refused the key', advice: 'Correct it.' },
    daemon: {
      lineages: names.map(lineage),
      outcomes: new Map(outcomes.map(one => [one.lineage, one])),
      sources: new Map([
        ['pem:/a', true],
        ['acme.sh:/root', false],
      ]),
      pending: 0,
      nextRescan: null,
    },
  })
}

const pageOf = (sight: Sight) => statusPage(viewOf(sight))
const named = (count: number) => Array.from({ length: count }, (_, i) => `host${i}.example.com`)
const rowsIn = (page: string) => page.match(/<tr><th scope="row">/g)?.length ?? 0
const failed = (name: string, code: FaultCode, says = `${name}: it went wrong`): Outcome => ({
  lineage: `pem:${name}`,
  outcome: 'failed',
  fault: new Fault(code, says),
  elapsedMs: 1,
})

describe('what the status page says', () => {
  test.each([
    [0, 'No certificates', 0],
    [1, '1 certificate, all is well', 1],
    [200, '200 certificates, all is well', 200],
    [10_000, '10,000 certificates, all is well', 500],
  ])('of %i certificates: %s', (count, heading, rows) => {
    const page = pageOf({ names: named(count) })
    expect(page).toContain(`<h1>${heading}</h1>`)
    expect(page).toContain(`<title>web1: ${heading}</title>`)
    expect(rowsIn(page)).toBe(rows)
    expect(page.includes('The first 500 of 10,000 by name')).toBe(count > 500)
  })

  test('certificates stand in natural order, with ID, days left and the share of their life', () => {
    const page = pageOf({ names: ['b10', 'b9', 'a'] })
    expect([...page.matchAll(/<\/span>([ab]\d*)<small>/g)].map(([, name]) => name)).toEqual([
      'a',
      'b9',
      'b10',
    ])
    expect(page).toMatch(/58 days.*<rect class="rest" y="3" width="65".*until 2026-04-01/)
    expect(page).toContain('<span class="id">a92b1Z1i</span>')
  })

  test('a pause, what fails and what is stale stand before the certificates, with what to do', () => {
    const stale = {
      ...newReplacement('a92b1Z1i', NOW),
      state: 'stale' as const,
      reason: '203.0.113.7 serves an older one',
      resources: [
        {
          type: 'clb',
          region: 'ap-guangzhou',
          instance: 'lb-1',
          domains: ['shop.example'],
          certificateId: 'older123',
        },
      ],
      handshakes: [{ name: 'shop.example', address: '203.0.113.7:443', leaf: 'old' as const }],
    }
    const superseded = [{ ...upload({ certificateId: 'older123' }), supersededAt: NOW.toISOString() }]
    const page = pageOf({
      names: ['shop', 'bad', 'fine'],
      receipts: [receipt('shop', { replacement: stale, superseded }), receipt('bad'), receipt('fine')],
      outcomes: [failed('bad', 'KEY_INVALID')],
      pausedUntil: '2026-02-01T12:15:00.000Z',
    })
    expect(page).toContain('<h1>3 certificates, 2 need attention</h1>')
    const notes = page.slice(page.indexOf('class="notes"'), page.indexOf('id="certificates"'))
    expect([...notes.matchAll(/<li><p>(.*?)<\/p>/g)].map(([, text]) => text)).toEqual([
      expect.stringContaining('paused until 2026-02-01 12:15 UTC'),
      'pem:bad: bad: it went wrong',
      expect.stringContaining('pem:shop: stale: 203.0.113.7 serves an older one'),
    ])
    expect(notes).toContain(
      '<p>Correct it. New credentials end the pause at once, <code>certferry sync</code> tries now.</p>',
    )
    expect(page).toContain(
      'clb ap-guangzhou lb-1 shop.example uses <span class="id">older123</span>, an older one',
    )
    expect(page).toContain('shop.example at 203.0.113.7:443: serves an older one')
    expect(page).toContain('acme.sh:/root (cannot be read)')
  })

  test('an upload that is retried is so named, and one that waits for the end of the pause is no fault of its own', () => {
    const failing = {
      fingerprint: HEX,
      since: NOW.toISOString(),
      failures: 2,
      nextAttemptAt: '2026-02-01T12:30:00.000Z',
      code: 'TIMEOUT',
      message: 'no answer',
    }
    const bundle = {
      fingerprint: HEX,
      leaf: HEX,
      names: [],
      notBefore: NOW,
      notAfter: new Date('2026-05-01'),
      notes: [],
      flaws: [],
    }
    const { rows } = viewOf({
      names: ['a', 'b', 'gone'],
      receipts: [receipt('a', { failing }), receipt('b'), receipt('left'), receipt('excluded')],
      outcomes: [
        { ...failed('a', 'TIMEOUT'), bundle },
        { ...failed('b', 'UPLOADS_PAUSED'), bundle },
      ],
    })
    expect(rows.map(({ lineage, state, reason }) => [lineage, state, reason])).toEqual([
      ['pem:a', 'retrying', 'no answer'],
      ['pem:b', 'changed', null],
      ['pem:gone', 'new', null],
      ['pem:left', 'removed', null],
    ])
  })

  test('the last events are those of all processes, newest first, twelve of them', () => {
    const superseded = [
      {
        ...upload({ certificateId: 'older123', uploadedAt: '2025-11-01T00:00:00.000Z' }),
        supersededAt: NOW.toISOString(),
        deletedAt: '2026-01-20T00:00:00.000Z',
      },
    ]
    const rejected = {
      fingerprint: HEX,
      settings: '',
      endpoint: '',
      apiCode: null,
      message: 'no',
      at: '2026-01-10T00:00:00.000Z',
    }
    expect(lastEvents([receipt('a', { superseded, rejected })]).map(({ text }) => text)).toEqual([
      'older123 deleted in the account',
      'refused by the service: no',
      'uploaded as a92b1Z1i, after older123',
      'uploaded as older123',
    ])
    expect(lastEvents(named(40).map(name => receipt(name)))).toHaveLength(12)
  })
})

describe('the status page holds', () => {
  const tagsOf = (page: string) => page.replace(/<style>.*<\/style>/s, '').match(/<[^>]*>/g)

  test('whatever a certificate and its service say as text, never as HTML', () => {
    const about = (text: string) =>
      pageOf({
        names: ['a'],
        receipts: [receipt('a', { uploaded: upload({ names: [text] }) })],
        outcomes: [failed('a', 'KEY_INVALID', text)],
      })
    const parts = fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '&',
      '`',
      'script',
      '<script>alert(1)</script>',
      '-->',
      '</style>',
      '\u202e',
      '\0',
      'a',
      ' ',
    )
    const plain = tagsOf(about('x'))?.filter(tag => !/code>/.test(tag))
    fc.assert(
      fc.property(
        fc.array(parts, { minLength: 1, maxLength: 12 }).map(all => `x${all.join('')}`),
        text => {
          const page = about(text)
          expect(tagsOf(page)?.filter(tag => !/code>/.test(tag))).toEqual(plain)
          expect(page).not.toMatch(/[\0\u202e]/)
        },
      ),
    )
  })

  test('no script, no inline style and no address of another host, and only its own style is allowed', () => {
    const page = pageOf({ names: named(3) })
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(page) ?? []
    expect(POLICY).toBe(
      `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    expect(page).not.toMatch(/<script| style=| on\w+=|@import|url\(/)
    expect(page.replaceAll('xmlns=&#39;http://www.w3.org/2000/svg&#39;', '')).not.toMatch(/https?:\/\//)
  })
})
