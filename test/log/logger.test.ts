import { expect, test } from 'vitest'
import type { Level } from '../../src/config/values.ts'
import { createLogger } from '../../src/log/logger.ts'
import { secret } from '../../src/secret.ts'

function stage(level: Level = 'info', isTerminal = false) {
  const written: string[] = []
  const output = {
    write: (text: string) => void written.push(text),
    isTerminal,
    isJournal: false,
    colours: false,
    columns: 80,
  }
  return { log: createLogger({ level, output, now: Date.now }), written }
}

test('for machines a line is JSON with level, time, name, event and message', () => {
  const { log, written } = stage()
  log.warn({ event: 'clock_skew', offset: 600 }, 'the clock is slow')
  expect(written).toHaveLength(1)
  expect(written[0]).toMatch(/\n$/)
  expect(JSON.parse(written[0] ?? '')).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    name: 'certferry',
    event: 'clock_skew',
    offset: 600,
    msg: 'the clock is slow',
  })
})

test('a line for machines holds nothing that a terminal obeys, for one day somebody prints it', () => {
  const { log, written } = stage()
  log.warn({ event: 'any', name: 'a\u009b31m\u202e' }, 'b\u001b[2J\u2028\n')
  const [line = ''] = written
  expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  expect(JSON.parse(line)).toMatchObject({ name: 'a\u009b31m\u202e', msg: 'b\u001b[2J\u2028\n' })
})

test('on a terminal it is text', () => {
  const { log, written } = stage('info', true)
  log.info({ event: 'uploaded' }, 'example.com uploaded')
  expect(written.join('')).toContain('example.com uploaded')
  expect(written.join('')).not.toContain('{"level"')
})

test('what is below the level is not written', () => {
  const { log, written } = stage('error')
  log.info({ event: 'any' }, 'any')
  log.error({ event: 'any' }, 'any')
  expect(written).toHaveLength(1)
})

test.each([false, true])(
  'a secret is masked by its type and by its name, at every level (terminal: %s)',
  isTerminal => {
    const { log, written } = stage('debug', isTerminal)
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      log[level]({ any: secret('hush'), deep: { er: [secret('hush')] } }, 'one')
      log[level]({ keyPem: 'hush', credentials: { secretKey: 'hush', token: 'hush' } }, 'two')
      log[level](
        { a: { b: { password: 'hush' } }, authorization: 'hush', secretId: 'hush', passphrase: 'hush' },
        'three',
      )
    }
    expect(written.length).toBeGreaterThanOrEqual(12)
    expect(written.join('')).not.toContain('hush')
  },
)
