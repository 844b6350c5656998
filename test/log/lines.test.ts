import { describe, expect, test } from 'vitest'
import { type LogRecord, terminalLine } from '../../src/log/logger.ts'

const plain = { colours: false, columns: 80 }
const line = (fields: Record<string, unknown>) =>
  ({
    level: 'info',
    time: '2026-03-01T12:34:56.789Z',
    name: 'certferry',
    msg: 'hello',
    ...fields,
  }) as LogRecord
/** Without the time, which is the reader's own. */
const shown = (fields: Record<string, unknown>, screen = plain) => {
  const text = terminalLine(line(fields), screen)
  expect(text).toMatch(/^\d\d:34:56 /)
  return text.slice(9)
}

test('a person reads time, level and message', () => {
  expect(shown({ certificateId: 'a92b1Z1i' })).toBe('info  hello\n')
  expect(shown({ level: 'error', msg: 'certbot:example.com failed' })).toBe(
    'error certbot:example.com failed\n',
  )
})

test('advice stands below the message', () => {
  expect(shown({ level: 'warn', advice: 'Nothing to do now.' })).toBe(
    'warn  hello\n               → Nothing to do now.\n',
  )
  expect(shown({ advice: 7 })).toBe('info  hello\n')
})

test('long messages are wrapped within the terminal, below their beginning', () => {
  const text = terminalLine(line({ msg: 'word '.repeat(60), advice: 'more '.repeat(60) }), plain)
  const lines = text.trimEnd().split('\n')
  expect(lines.length).toBeGreaterThan(8)
  for (const one of lines.slice(1)) expect(one).toMatch(/^ {15}\S/)
  for (const one of lines) expect(one.length).toBeLessThanOrEqual(80)
})

test('a terminal of few columns still gets words', () => {
  const lines = terminalLine(line({ msg: 'word '.repeat(20) }), { colours: false, columns: 3 }).split('\n')
  expect(lines[0]).toMatch(/word word word word$/)
})

describe('colours', () => {
  const coloured = { colours: true, columns: 80 }
  test.each([
    ['error', '31'],
    ['warn', '33'],
    ['info', '32'],
    ['debug', '2'],
  ])('%s', (level, code) => {
    expect(shown({ level }, coloured)).toBe(
      `\u001b[${code}m${level}\u001b[0m${' '.repeat(6 - level.length)}hello\n`,
    )
  })
})

test('what a certificate put into the message cannot steer the terminal', () => {
  const text = shown({ msg: 'evil\u001b[2J\nsecond\u009b', advice: '\u001b]0;x\u0007' })
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  expect(text).toContain('evil\ufffd[2J second')
})
