import fc from 'fast-check'
import { expect, test } from 'vitest'
import { escapeText, jsonLine } from '../../src/terminal/text.ts'

test('what a terminal would obey or hide is written as an escape, and nothing else', () => {
  expect(jsonLine({ name: 'a\u009b31m\u202e\u2028b\u007f证书 🏪' })).toBe(
    '{"name":"a\\u009b31m\\u202e\\u2028b\\u007f证书 🏪"}\n',
  )
  expect(jsonLine('\u{e0041}\ufeff')).toBe('"\\udb40\\udc41\\ufeff"\n')
})

test('whatever the value: it is one line, and reads as the same value', () => {
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
