/** SECURITY.md: every claim names the test files that show it. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const text = readFileSync('SECURITY.md', 'utf8')

/** The rows of every table: a claim, and the cell with its test files. */
const rows = text
  .split('\n')
  .filter(line => line.startsWith('|') && !/^\|(---| claim )/.test(line))
  .map(line => {
    const [, claim = line, files = ''] = /^\| ([^|]+) \| ([^|]+) \|$/.exec(line) ?? []
    return { claim, files: files.split('<br>') }
  })

test('SECURITY.md has its tables of claims', () => {
  expect(rows.length).toBeGreaterThan(30)
})

test.each(rows)('SECURITY.md has a test for: $claim', ({ files }) => {
  for (const file of files) {
    const [, path = ''] = /^`(test\/[\w./-]+\.test\.ts)`$/.exec(file) ?? []
    expect(existsSync(path), file).toBe(true)
  }
})

test('SECURITY.md: every threat has its claims, and the limits have a section', () => {
  const claimless = text
    .split(/^## /m)
    .slice(1)
    .filter(section => !section.includes('\n| claim | test |\n'))
  expect(claimless.map(section => section.split('\n', 1)[0])).toEqual([
    'Reporting',
    'What is at stake',
    'What is not guarded',
  ])
})
