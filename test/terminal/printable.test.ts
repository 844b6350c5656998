import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { printableText } from '../../src/terminal/text.ts'
import { processorTime } from '../fixtures/processor.ts'

test.each([
  ['plain text: 证书 é 🏪', 'plain text: 证书 é 🏪'],
  ['two\nlines', 'two lines'],
  ['two  \r\n\r\n  lines', 'two lines'],
  [' around\t', 'around'],
  ['tab\there', 'tab here'],
  ['\u001b[31mred\u001b[0m', '\ufffd[31mred\ufffd[0m'],
  ['\u001b]0;title\u0007', '\ufffd]0;title\ufffd'],
  ['\u009b2J', '\ufffd2J'],
  ['nul\0', 'nul\ufffd'],
  ['back\b\b\u007f', 'back\ufffd\ufffd\ufffd'],
  ['gnp.\u202eexe', 'gnp.\ufffdexe'],
  ['\u2066a\u2069\u061c\u200f', '\ufffda\ufffd\ufffd\ufffd'],
  ['zero\u200bwidth', 'zero\ufffdwidth'],
  ['line\u2028separator', 'line separator'],
  ['half \ud83d', 'half \ufffd'],
  ['\ufeffmark', 'mark'],
])('%j becomes %j', (text, shown) => {
  expect(printableText(text)).toBe(shown)
})

describe('whatever the text', () => {
  const any = fc.string({ unit: 'binary', maxLength: 60 })
  test('it is one line, without escapes, well-formed, of the length asked for', () => {
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 60 }), (text, most) => {
        const shown = printableText(text, most)
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
        expect(shown.isWellFormed()).toBe(true)
        expect(shown.length).toBeLessThanOrEqual(most)
      }),
    )
  })

  test('showing it twice changes nothing more', () => {
    fc.assert(fc.property(any, text => printableText(printableText(text)) === printableText(text)))
  })

  test('what is too long ends in a sign of it, not in half a character', () => {
    expect(printableText('abcdef', 4)).toBe('abc…')
    expect(printableText('abcd', 4)).toBe('abcd')
    expect(printableText('ab🏪cd', 4)).toBe('ab…')
  })
})

test.each([' ', '\n', ' \n', '\u001b', '\ud800'])('1 MiB of %j takes a moment', unit => {
  const spent = processorTime(() => {
    printableText(unit.repeat(1 << 20))
    printableText(`x${unit.repeat(1 << 20)}x`)
  })
  expect(spent).toBeLessThan(3_000)
})
