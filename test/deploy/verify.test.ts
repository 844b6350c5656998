/** Which addresses are asked, and what their answers prove. */
import { describe, expect, test } from 'vitest'
import { parseProbe } from '../../src/config/deploy.ts'
import { probesFor, servedLeaf, unverifiedReason, verdictOf } from '../../src/deploy/verify.ts'
import type { Handshake, ServedLeaf } from '../../src/receipts/replacement.ts'

const configured = (...texts: readonly string[]) => texts.flatMap(text => parseProbe(text) ?? [])

const asked = (...args: Parameters<typeof probesFor>) =>
  probesFor(...args).map(
    ({ name, port, address, isGuess }) =>
      `${name}${address ? `@${address}` : ''}:${port}${isGuess ? '?' : ''}`,
  )

describe('asked are', () => {
  const NAMES = ['a.example.com', '*.b.example.com', 'x.b.example.com', 'y.b.example.com']

  test.each([
    [
      'the hosts of the resources',
      ['a.example.com', 'z.b.example.com'],
      NAMES,
      [],
      ['a.example.com:443', 'z.b.example.com:443'],
    ],
    ['each once', ['a.example.com', 'a.example.com'], NAMES, [], ['a.example.com:443']],
    ['none that the certificate does not cover', ['c.example.com', 'q.z.b.example.com'], NAMES, [], []],
    [
      'the certificate’s own names below a wildcard',
      ['*.b.example.com'],
      NAMES,
      [],
      ['x.b.example.com:443', 'y.b.example.com:443'],
    ],
    [
      'a guess below a wildcard without such',
      ['*.b.example.com'],
      ['*.b.example.com'],
      [],
      ['certferry-probe.b.example.com:443?'],
    ],
    ['no wildcard of another depth', ['*.example.com'], ['*.b.example.com'], [], []],
    [
      'those of the configuration, covered or not',
      [],
      NAMES,
      ['c.org', 'a.example.com:8443'],
      ['c.org:443', 'a.example.com:8443'],
    ],
    [
      'both ports of one name',
      ['a.example.com'],
      NAMES,
      ['a.example.com:8443'],
      ['a.example.com:8443', 'a.example.com:443'],
    ],
    [
      'a pinned name only where it is pinned',
      ['a.example.com'],
      NAMES,
      ['a.example.com@127.0.0.1:8443', 'a.example.com@::1'],
      ['a.example.com@127.0.0.1:8443', 'a.example.com@::1:443'],
    ],
    ['none', [], NAMES, [], []],
  ] as const)('%s', (_, domains, names, texts, expected) => {
    expect(asked(domains, names, configured(...texts))).toEqual(expected)
  })
})

test.each([
  [undefined, 'none'],
  ['c', 'new'],
  ['e', 'old'],
  ['x', 'other'],
  ['', 'other'],
] as const)('a leaf %j is %s', (leaf, served) => {
  expect(servedLeaf(leaf, 'c', new Set(['e']))).toBe(served)
})

const hand = (name: string, leaf: ServedLeaf, address = '192.0.2.1:443'): Handshake => ({
  name,
  address,
  leaf,
})

describe('the verdict is', () => {
  const replacedAt = new Date('2026-06-15T12:00:00Z')
  const after = (minutes: number) => ({ replacedAt, now: new Date(replacedAt.getTime() + minutes * 60_000) })
  const [a, b] = ['a.example.com', 'b.example.com']

  test.each([
    ['new', 'where all serve it', [hand(a, 'new'), hand(b, 'new')], 1],
    ['new', 'where one address of a name did not answer', [hand(a, 'new'), hand(a, 'none', '[::1]:443')], 1],
    ['unknown', 'where nothing was asked', [], 1],
    ['unknown', 'where nothing was asked for long', [], 60],
    ['unknown', 'where no address answered', [hand(a, 'none')], 60],
    ['unknown', 'where a name did not answer', [hand(a, 'new'), hand(b, 'none')], 1],
    ['unknown', 'where one serves another’s', [hand(a, 'new'), hand(b, 'other')], 60],
    [
      'unknown',
      'where one address of a name serves another’s',
      [hand(a, 'new'), hand(a, 'other', '[::1]:443')],
      1,
    ],
    ['old', 'where one serves an older one', [hand(a, 'new'), hand(b, 'old')], 14.99],
    [
      'old',
      'where one does, whatever the others do',
      [hand(a, 'other'), hand(b, 'old'), hand('c', 'none')],
      1,
    ],
    ['stale', 'where one does for long', [hand(a, 'new'), hand(b, 'old')], 15],
    ['old', 'where the clock went back', [hand(a, 'old')], -60],
  ] as const)('%s %s', (verdict, _, handshakes, minutes) => {
    expect(verdictOf(handshakes, after(minutes))).toBe(verdict)
  })
})

test('what is not verified is reported name by name, and not without end', () => {
  expect(unverifiedReason([])).toBe('no name is known that could be asked')
  const many = Array.from({ length: 7 }, (_, i) => ({
    ...hand(`h${i}.example.com`, 'none'),
    detail: 'ECONNREFUSED',
  }))
  const reason = unverifiedReason([
    hand('a.example.com', 'new'),
    { ...hand('b.example.com', 'other'), detail: 'issued by X' },
    ...many,
  ])
  expect(reason).toContain(
    'b.example.com at 192.0.2.1:443 serves another certificate (issued by X); h0.example.com',
  )
  expect(reason).toMatch(/could not be asked \(ECONNREFUSED\); and 3 more$/)
  expect(reason).not.toContain('a.example.com')
})
