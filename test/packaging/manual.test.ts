/** The man pages say what the program says of itself, in a form man reads without complaint. */
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { exitRows, manuals } from '../../packaging/manual.ts'
import { COMMANDS } from '../../src/cli/commands.ts'

const config = await readFile('config/certferry.example.toml', 'utf8')
const exits = exitRows(await readFile('docs/troubleshooting.md', 'utf8'))
const pages = manuals({ version: '1.2.3', date: new Date('2026-02-03'), commands: COMMANDS, config, exits })
const program = pages.get('man1/certferry.1') ?? ''

const hasMandoc = spawnSync('mandoc', ['-Tlint'], { input: '' }).error === undefined
/** As a reader sees it: no requests, no escapes. */
const plain = (text: string) => text.replaceAll('\\-', '-').replaceAll('\\e', '\\').replaceAll('\\&', '')

describe.each([...pages])('%s', (_, text) => {
  test.skipIf(!hasMandoc)('gives mandoc nothing to complain of', () => {
    const { stdout, stderr } = spawnSync('mandoc', ['-Tlint', '-Wwarning'], { input: text, encoding: 'utf8' })
    expect(stdout + stderr).toBe('')
  })

  test('has the version and the day of the release in its head, and plain ASCII in its body', () => {
    expect(text.split('\n', 1)[0]).toMatch(/ 2026-02-03 "certferry 1\.2\.3"$/)
    expect(text).not.toMatch(/[^\n -~→]/)
  })
})

test('every command and each of its options stands in the manual', () => {
  for (const { name, options } of COMMANDS) {
    expect(plain(program)).toContain(`.SS certferry ${name}`)
    for (const option of Object.keys(options)) expect(plain(program)).toContain(`--${option}`)
  }
})

test('every exit code of the documents stands in the manual', () => {
  expect(exits.length).toBeGreaterThan(8)
  for (const { code } of exits) expect(program).toContain(`.TP\n.B ${code}\n`)
})

test('the configuration stands in its page word for word', () => {
  const page = plain(pages.get('man5/certferry.toml.5') ?? '')
  for (const line of config.split('\n').filter(Boolean)) expect(page).toContain(line.replaceAll('…', '...'))
})
