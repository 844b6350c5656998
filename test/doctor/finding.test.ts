import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import {
  countsOf,
  exitOfFindings,
  failure,
  findingLines,
  findingsJson,
  ok,
  skipped,
  verdictLines,
  warning,
} from '../../src/doctor/finding.ts'
import { Fault } from '../../src/errors.ts'

const SCREEN = { colours: false, columns: 80 }
const widest = (text: string) => Math.max(...text.split('\n').map(line => [...line].length))
const missing = (name: string) => failure('certificate', new Fault('FILE_MISSING', `${name}: is not there`))

test('the exit code is 0 with warnings and skipped checks alone', () => {
  expect(exitOfFindings([ok('a', 'x'), warning('b', 'y', { command: 'z' }), skipped('c', 'w')])).toBe(0)
})

test('the exit code is that of the most severe failure', () => {
  const faults = ['NETWORK', 'CREDENTIALS_MISSING', 'FILE_MISSING'] as const
  expect(exitOfFindings(faults.map(code => failure('x', new Fault(code, 'y'))))).toBe(77)
})

test('a finding is a level, a topic and a text, with advice and command below', () => {
  const shown = findingLines(
    [
      ok('clock', 'in step'),
      warning('hook', 'starts nothing', { command: 'sudo certferry install-hook certbot' }),
      failure('name', new Fault('NETWORK', 'no such name'), {
        advice: 'Correct it:',
        command: 'getent ahosts x',
      }),
      failure('state', new Fault('STATE_DIR_UNUSABLE', 'full')),
      skipped('TLS', 'not reached'),
    ],
    SCREEN,
  )
  expect(shown).toBe(`ok    clock          in step
WARN  hook           starts nothing
                     → sudo certferry install-hook certbot
FAIL  name           no such name
                     → Correct it:
                       getent ahosts x
FAIL  state          full
                     → Name a directory this user may write with --state-dir,
                     and see that its disk is not full.
-     TLS            not reached
`)
})

test('findings are wrapped to the width of the screen, and long commands keep their place and their meaning', () => {
  const long = 'word '.repeat(60).trim()
  const command = `printf '%s|' ${'aaaa '.repeat(20)}'one quoted word' && echo "two words"`
  const shown = findingLines([warning('source', long, { advice: long, command })], SCREEN)
  expect(widest(shown)).toBeLessThanOrEqual(80)
  const typed = shown.slice(shown.indexOf('printf'))
  expect(typed.split('\n').slice(1, -1).join('')).toMatch(/^ {25}/)
  const said = (text: string) => execFileSync('sh', ['-c', text], { encoding: 'utf8' })
  expect(said(typed)).toBe(said(command))
})

test('every mistake of the configuration is shown, however many', () => {
  const mistakes = Array.from({ length: 9 }, (_, i) =>
    failure('configuration', new Fault('CONFIG_INVALID', `line ${i}`)),
  )
  expect(findingLines(mistakes, SCREEN)).toContain('line 8')
})

test('of similar findings three are shown and the others counted; other findings are shown', () => {
  const many = Array.from({ length: 1_000 }, (_, i) => missing(`c${i}`))
  const shown = findingLines([...many, failure('certificate', new Fault('EXPIRED', 'd: expired'))], SCREEN)
  expect(shown.match(/is not there/g)).toHaveLength(3)
  expect(shown).toContain('… and 997 more like it')
  expect(shown).toContain('d: expired')
  expect(findingsJson(many).findings).toHaveLength(1_000)
})

test('four similar findings are all shown', () => {
  expect(findingLines(['a', 'b', 'c', 'd'].map(missing), SCREEN)).not.toContain('more like it')
})

test('a file name in a finding cannot control the terminal', () => {
  const shown = findingLines([warning('source', '\u001b[2Jgone', { command: 'ls \u001b[31m\nrm' })], SCREEN)
  expect(shown).not.toContain('\u001b')
  expect(shown.split('\n')).toHaveLength(3)
})

test('only the level of a finding is coloured', () => {
  const shown = findingLines([ok('a', 'b')], { colours: true, columns: 80 })
  expect(shown).toBe('\u001b[32mok\u001b[0m    a              b\n')
})

test.each([
  [[ok('a', 'b')], 'No problems found.'],
  [[warning('a', 'b', {})], '1 warning; no failures.'],
  [[missing('a'), missing('b'), warning('c', 'd', {})], '2 failures, 1 warning; exit 66.'],
])('the last line counts failures and warnings, case %#', (findings, last) => {
  expect(verdictLines(findings)).toBe(`\n${last}\n`)
})

test('the policy is printed once, before the last line', () => {
  const policy = '{"version": "2.0"}'
  const found = { ...warning('permission', 'x', {}), policy }
  expect(verdictLines([found, found])).toBe(
    `\nThe policy, for the console (CAM, Policies, by syntax):\n${policy}\n\n2 warnings; no failures.\n`,
  )
})

test('the JSON has every finding, the counts and the exit code, and the policy as an object', () => {
  const found = { ...warning('permission', 'x', { advice: 'y' }), policy: '{"version": "2.0"}' }
  expect(findingsJson([ok('a', 'b'), found, missing('c')])).toEqual({
    findings: [
      { about: 'a', level: 'ok', says: 'b' },
      { about: 'permission', level: 'warning', says: 'x', advice: 'y', policy: { version: '2.0' } },
      {
        about: 'certificate',
        level: 'failure',
        says: 'c: is not there',
        advice: expect.any(String),
        fault: expect.objectContaining({ code: 'FILE_MISSING', message: 'c: is not there' }),
      },
    ],
    summary: { ok: 1, warning: 1, failure: 1, unreached: 0 },
    exit: 66,
  })
  expect(countsOf([])).toEqual({ ok: 0, warning: 0, failure: 0, unreached: 0 })
})
