/** The man pages say what the program says of itself, in a form man reads without complaint, in 80 columns. */
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { configTables } from '../../config/reference.ts'
import { explained, readExample } from '../../config/schema.ts'
import { exitRows, manuals } from '../../packaging/manual.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { GLOBAL, isGlobal } from '../../src/config/commandLine.ts'
import { mostSevereExitCode } from '../../src/errors.ts'

const example = await readExample()
const tables = configTables(example, explained(example))
const exits = exitRows(await readFile('docs/troubleshooting.md', 'utf8'))
const pages = manuals({ version: '1.2.3', date: new Date('2026-02-03'), commands: COMMANDS, tables, exits })
const program = pages.get('man1/certferry.1') ?? ''
const config = pages.get('man5/certferry.toml.5') ?? ''

/** The first that is installed; man of Debian is groff's. */
const FORMATTERS = [
  ['mandoc', '-Tutf8', '-Owidth=78'],
  ['nroff', '-man', '-rLL=78n'],
] as const
const formatter = FORMATTERS.find(([tool]) => spawnSync(tool, { input: '' }).error === undefined)
const hasMandoc = formatter?.[0] === 'mandoc'
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

  test.skipIf(!formatter)('fits a terminal of 80 columns', () => {
    const [tool = '', ...words] = formatter ?? []
    const { stdout } = spawnSync(tool, words, { input: text, encoding: 'utf8' })
    // bold is a letter struck over itself
    const struck = stripVTControlCharacters(stdout).split('\b')
    const lines = [...struck.slice(0, -1).map(part => part.slice(0, -1)), struck.at(-1)].join('').split('\n')
    expect(lines.length).toBeGreaterThan(100)
    for (const line of lines) expect([...line].length, line).toBeLessThanOrEqual(80)
  })
})

test('every command stands in the manual with each option of its own, and the shared ones are explained once', () => {
  const parts = plain(program).split(/^\.S[SH] /m)
  for (const { name, operands, options } of COMMANDS) {
    const part = parts.find(text =>
      text.startsWith(`certferry ${name} ${operands}`.trimEnd().replaceAll('…', '...')),
    )
    expect(part, name).toBeDefined()
    for (const option of Object.keys(options))
      expect(part).toMatch(
        isGlobal(option) ? new RegExp(`^Global options:.*--${option}\\b`, 'm') : `--${option}`,
      )
  }
  for (const option of Object.keys(GLOBAL))
    expect(plain(program).match(new RegExp(`^\\.B (-\\w, )?--${option}( |$)`, 'gm')), option).toHaveLength(1)
})

test('every exit code of the documents stands in the manual, and the order of severity is right', () => {
  expect(exits.length).toBeGreaterThan(8)
  for (const { code } of exits) expect(program).toContain(`.TP\n.B ${code}\n`)
  const order = /decides: ([\d, ]+)\./.exec(program)?.[1]?.split(', ').map(Number) ?? []
  expect(order.length).toBe(9)
  for (const [i, exit] of order.entries()) expect(mostSevereExitCode(order.slice(i).reverse())).toBe(exit)
})

test('every key of the schema stands in its table with type, default and meaning', () => {
  const parts = plain(config).split(/^\.SH /m)
  for (const { heading, keys } of tables) {
    const part = parts.find(text => text.startsWith(`${heading}\n`)) ?? ''
    for (const { key, allowed, defaultValue, meaning } of keys) {
      const [, entry = ''] = part.split(`\n.B ${key}\n`)
      expect(meaning, `${heading} ${key}`).not.toBe('')
      expect(allowed, `${heading} ${key}`).not.toBe('')
      expect(entry, `${heading} ${key}`).toContain(meaning.replaceAll('…', '...'))
      if (defaultValue !== undefined)
        expect(entry).toContain(`Default: ${defaultValue.replaceAll('…', '...')}`)
    }
  }
  const known = tables.flatMap(({ keys }) => keys.map(({ key }) => key))
  expect(known).toEqual(expect.arrayContaining(['endpoint', 'rescan', 'retire', 'listen', 'dir', 'match']))
})
