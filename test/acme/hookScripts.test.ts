import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOOK_FILE_CLIENTS } from '../../src/acme/clients.ts'
import { HOOK_FILES, planInstall, planRemoval } from '../../src/acme/hookScripts.ts'
import { quoteShell } from '../../src/terminal/text.ts'

const CALL = { node: '/opt/certferry/bin/node', main: '/opt/certferry/dist/main.js', options: [] }
const TRICKY = `/a b/c'd"e/$HOME/\`id\`/\\/!*?/;&|<>()#~/é\n\nif x`
const ALONE = { node: '/usr/bin/certferry', main: undefined, options: [] }
const spoiled = { node: `${TRICKY}/node`, main: `${TRICKY}/main.js`, options: ['--state-dir', TRICKY] }

const sh = (script: string) => {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' })
  return { status, stdout, stderr }
}
const parsed = (text: string) => spawnSync('/bin/sh', ['-n'], { input: text, encoding: 'utf8' })

const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0
const shellcheck = (text: string, ...options: readonly string[]) =>
  spawnSync('shellcheck', ['-s', 'sh', ...options, '-'], { input: text, encoding: 'utf8' }).stdout

const thrown = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

describe.each(HOOK_FILE_CLIENTS)('%s', client => {
  const { text } = HOOK_FILES[client]

  test.each([
    ['plain paths', CALL],
    ['a self-contained program', ALONE],
    ['blanks, quotes, dollars, line breaks', spoiled],
  ])('the hook is valid for sh, with %s', (_, call) => {
    expect(parsed(text(call))).toMatchObject({ status: 0, stdout: '', stderr: '' })
  })

  test.skipIf(!hasShellcheck)('shellcheck finds nothing in the hook', () => {
    expect(shellcheck(text({ ...CALL, options: ['--state-dir', '/a b'] }))).toBe('')
    // below warnings it asks whether a dollar in single quotes is intended
    expect(shellcheck(text(spoiled), '-S', 'warning')).toBe('')
    expect(shellcheck(text(ALONE))).toBe('')
  })

  test('the hook names its writer and how to remove it, in 80 columns', () => {
    const lines = text(CALL).split('\n')
    expect(lines[1]).toMatch(new RegExp(`^# Written by certferry install-hook ${client}`))
    expect(lines[2]).toBe(`# To remove it: certferry install-hook ${client} --remove`)
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(80)
  })
})

test('a quoted word reaches a command of the shell as it is', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ unit: 'grapheme' }).map(text => text.replaceAll('\0', '')),
        { minLength: 1, maxLength: 50 },
      ),
      words => {
        const { stdout } = sh(`printf '%s\\0' ${words.map(quoteShell).join(' ')}`)
        expect(stdout).toBe(words.map(word => `${word}\0`).join(''))
      },
    ),
    { numRuns: 40, examples: [[[TRICKY, '', "'", '~', '-n', 'a=b', '/plain']]] },
  )
})

test('certbot runs the hook last: its name sorts after common names and has no ~', () => {
  const { name } = HOOK_FILES.certbot
  expect(name).not.toMatch(/~$/)
  expect(['reload-nginx.sh', '99-last', 'zimbra', 'ZZ', name].sort().at(-1)).toBe(name)
})

const wanted = { mode: 0o755, text: HOOK_FILES.certbot.text(CALL) }
const older = wanted.text.replace('/opt/certferry', '/opt/before')

test.each([
  ['no file', undefined, 'written', 'absent'],
  ['the same file', wanted, 'unchanged', 'removed'],
  ['an older hook', { ...wanted, text: older }, 'replaced', 'removed'],
  ['a hook that is not executable', { ...wanted, mode: 0o644 }, 'replaced', 'removed'],
])('install-hook over %s', (_, found, installed, removed) => {
  expect(planInstall('/hook', wanted, found)).toBe(installed)
  expect(planRemoval('/hook', found)).toBe(removed)
})

test.each([
  ['a script', { mode: 0o755, text: '#!/bin/sh\nsystemctl reload nginx\n' }],
  ['a script that contains the text of a hook', { mode: 0o755, text: `#!/bin/sh\ntrue\n${wanted.text}` }],
  ['an empty file', { mode: 0o644, text: '' }],
  ['a link or a directory', { mode: 0o777 }],
])('%s that certferry did not write is neither overwritten nor removed', (_, found) => {
  for (const work of [() => planInstall('/hook', wanted, found), () => planRemoval('/hook', found)])
    expect(thrown(work)).toMatchObject({ code: 'NAME_CONFLICT', message: expect.stringContaining('/hook') })
})
