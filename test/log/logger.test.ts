import { describe, expect, test } from 'vitest'
import type { Level, LogFormat } from '../../src/config/values.ts'
import { createLogger, type LogRecord, terminalLine } from '../../src/log/logger.ts'
import { secret } from '../../src/secret.ts'

function openLog(
  level: Level = 'info',
  { format = 'text', ...form }: { format?: LogFormat; isTerminal?: boolean; isJournal?: boolean } = {},
) {
  const written: string[] = []
  const output = {
    write: (text: string) => void written.push(text),
    isTerminal: false,
    isJournal: false,
    colours: false,
    columns: 80,
    ...form,
  }
  return { log: createLogger({ level, format, output, now: Date.now }), written }
}

test('JSON log line: level, time, name, event, the fields and the message, in this order', () => {
  const { log, written } = openLog('info', { format: 'json', isJournal: true })
  log.warn({ event: 'clock_skew', offset: 600, nothing: undefined }, 'the clock is 100% slow')
  expect(written).toHaveLength(1)
  expect(written[0]).toMatch(
    /^\{"level":"warn","time":"\d{4}-\d\d-\d\dT[\d:.]+Z","name":"certferry","event":"clock_skew","offset":600,"msg":"the clock is 100% slow"\}\n$/,
  )
})

test('JSON log line: every character that steers a terminal is escaped', () => {
  const { log, written } = openLog('info', { format: 'json' })
  log.warn({ event: 'any', name: 'a\u009b31m\u202e' }, 'b\u001b[2J\u2028\n')
  const [line = ''] = written
  expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  expect(JSON.parse(line)).toMatchObject({ name: 'a\u009b31m\u202e', msg: 'b\u001b[2J\u2028\n' })
})

test('log line elsewhere: one line of text, however long', () => {
  const { log, written } = openLog()
  const long = 'word '.repeat(50)
  log.warn({ event: 'any', advice: 'do this' }, `${long}\nend\u001b`)
  expect(written.join('')).toMatch(/^\d{4}-\d\d-\d\dT[\d:]{8}Z warn {2}(word ){50}end\ufffd → do this\n$/)
})

test('log line on a terminal: text, no JSON', () => {
  const { log, written } = openLog('info', { isTerminal: true })
  log.info({ event: 'uploaded', advice: 'do this' }, 'example.com uploaded')
  expect(written.join('')).toMatch(/^[\d:]{8} info {2}example\.com uploaded\n {15}→ do this\n$/)
})

test.each([
  ['debug', 7],
  ['info', 6],
  ['warn', 4],
  ['error', 3],
] as const)('log line in the journal: %s has priority %i', (level, priority) => {
  const { log, written } = openLog('debug', { isJournal: true })
  log[level]({ event: 'any', advice: 'do this' }, 'two\nlines')
  expect(written).toEqual([`<${priority}>two lines → do this\n`])
})

test('log level: nothing below it is written', () => {
  const { log, written } = openLog('error')
  log.info({ event: 'any' }, 'any')
  log.error({ event: 'any' }, 'any')
  expect(written).toHaveLength(1)
  expect(log.debugs).toBe(false)
  const silent = openLog('silent')
  silent.log.error({}, 'any')
  expect(silent.written).toEqual([])
})

test.each([{}, { format: 'json' }, { isTerminal: true }, { isJournal: true }] as const)(
  'log line with a secret: masked by its type and by its name, at every level (%o)',
  form => {
    const { log, written } = openLog('debug', form)
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      log[level]({ any: secret('hush'), deep: { er: [secret('hush')] } }, 'one')
      log[level]({ keyPem: 'hush', credentials: { secretKey: 'hush', token: { any: 'hush' } } }, 'two')
      log[level]({ a: { b: { password: 'hush' } }, list: [{ authorization: 'hush' }] }, 'three')
      log[level]({ a: { b: [{ secretId: 'hush', key: { key: 'hush' } }] }, passphrase: 'hush' }, 'four')
    }
    expect(written).toHaveLength(16)
    expect(written.join('')).not.toContain('hush')
  },
)

test('log line with a secret: the object that was logged is left as it was', () => {
  const { log } = openLog()
  const fields = { token: 'hush', a: { token: { key: 'hush' } } }
  log.info(fields, 'any')
  expect(fields).toEqual({ token: 'hush', a: { token: { key: 'hush' } } })
})

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
