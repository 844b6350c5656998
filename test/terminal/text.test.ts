import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  displayWidth,
  durationText,
  escapeText,
  jsonLine,
  pad,
  printableText,
  withoutSudo,
  wrap,
} from '../../src/terminal/text.ts'

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
])('printable text: %j becomes %j', (text, shown) => {
  expect(printableText(text)).toBe(shown)
})

describe('printable text, whatever it is made of', () => {
  const any = fc.string({ unit: 'binary', maxLength: 60 })
  test('a message without sudo keeps everything else', () => {
    expect(withoutSudo('Run it as root: sudo certferry setup; pseudo sudo')).toBe(
      'Run it as root: certferry setup; pseudo sudo',
    )
    expect(withoutSudo('echo x | sudo tee /a && sudo /sbin/b')).toBe('echo x | tee /a && /sbin/b')
  })

  test('it is one line, without escapes, well-formed, of the length requested', () => {
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 60 }), (text, most) => {
        const shown = printableText(text, most)
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
        expect(shown.isWellFormed()).toBe(true)
        expect(shown.length).toBeLessThanOrEqual(most)
      }),
    )
  })

  test('printable text stays as it is', () => {
    fc.assert(fc.property(any, text => printableText(printableText(text)) === printableText(text)))
  })

  test('a text that is too long ends in an ellipsis, not in half a character', () => {
    expect(printableText('abcdef', 4)).toBe('abc…')
    expect(printableText('abcd', 4)).toBe('abcd')
    expect(printableText('ab🏪cd', 4)).toBe('ab…')
  })
})

test('JSON line: what a terminal would obey or hide is escaped, and nothing else', () => {
  expect(jsonLine({ name: 'a\u009b31m\u202e\u2028b\u007f证书 🏪' })).toBe(
    '{"name":"a\\u009b31m\\u202e\\u2028b\\u007f证书 🏪"}\n',
  )
  expect(jsonLine('\u{e0041}\ufeff')).toBe('"\\udb40\\udc41\\ufeff"\n')
})

test('JSON line: it is one line, and parses to the same value', () => {
  const values = fc.jsonValue({ stringUnit: 'binary' })
  fc.assert(
    fc.property(values, value => {
      const line = jsonLine(value)
      expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)))
      expect(escapeText(line)).toBe(line)
    }),
  )
})

test('wrap: lines have the width requested, all but the first are indented', () => {
  expect(wrap('one two three four', 9, 2)).toBe('one two\n  three\n  four')
  expect(wrap('one two three four', 80)).toBe('one two three four')
})

test('wrap: a word longer than a line stays whole, so that a path can be copied', () => {
  expect(wrap('see /etc/letsencrypt/live/example.com now', 10)).toBe(
    'see\n/etc/letsencrypt/live/example.com\nnow',
  )
})

test('wrap: no word is lost and no line of several words is too long', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { maxLength: 30 })
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 40 }), fc.nat(8), (list, width, indent) => {
      const lines = wrap(list.join(' '), width, indent).split('\n')
      expect(lines.flatMap(line => line.trim().split(' ')).filter(Boolean)).toEqual(list)
      for (const [i, line] of lines.entries()) {
        const text = i ? line.slice(indent) : line
        expect(text.length <= width || !text.includes(' ')).toBe(true)
      }
    }),
  )
})

test.each([
  ['plain', 5],
  ['pem:内网证书', 12],
  ['한글', 4],
  ['カﾅ', 3], // the second is the half-width form
  ['e\u0301', 1], // a combining mark
  ['🏪', 2],
  ['→ …', 3],
  ['', 0],
])('width of %j in columns: %i', (text, columns) => {
  expect(displayWidth(text)).toBe(columns)
  expect(displayWidth(pad(text, 20))).toBe(20)
})

test('wrap: Chinese words are wrapped by their width', () => {
  expect(wrap('证书 内容 私钥', 10)).toBe('证书 内容\n私钥')
})

test.each([
  [0, '0 s'],
  [75, '75 s'],
  [119, '119 s'],
  [120, '2 minutes'],
  [600, '10 minutes'],
  [7_200, '2 hours'],
  [172_800, '2 days'],
  [4_066_047, '47 days'],
])('duration: %i seconds are %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text)
})
