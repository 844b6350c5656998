import fc from 'fast-check'
import { expect, test } from 'vitest'
import { displayWidth, pad, wrap } from '../../src/terminal/text.ts'

test('words go on lines of the width asked for, set in from the second on', () => {
  expect(wrap('one two three four', 9, 2)).toBe('one two\n  three\n  four')
  expect(wrap('one two three four', 80)).toBe('one two three four')
})

test('a word longer than a line stays whole: a path can still be copied', () => {
  expect(wrap('see /etc/letsencrypt/live/example.com now', 10)).toBe(
    'see\n/etc/letsencrypt/live/example.com\nnow',
  )
})

test('no word is lost and no line of several words is too long', () => {
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
  ['e\u0301', 1], // a mark that stands on its letter
  ['🏪', 2],
  ['→ …', 3],
  ['', 0],
])('a terminal gives %j its columns', (text, columns) => {
  expect(displayWidth(text)).toBe(columns)
  expect(displayWidth(pad(text, 20))).toBe(20)
})

test('Chinese words are wrapped by the columns they take', () => {
  expect(wrap('证书 内容 私钥', 10)).toBe('证书 内容\n私钥')
})
