/** SECURITY.md claims nothing that no test shows. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const text = await readFile('SECURITY.md', 'utf8')

/** The rows of every table: what is claimed, and the cell with its tests. */
const rows = text.split('\n').flatMap(line => {
  const [, claim = '', tests = ''] = /^\| ([^|]+) \| ([^|]+) \|$/.exec(line) ?? []
  return claim && claim !== 'claim' ? [{ claim, tests: tests.split('<br>') }] : []
})

/** A string of the source, however it is quoted there, that is an argument before another. */
const hasTitle = (source: string, title: string) =>
  [`'${title.replaceAll("'", "\\'")}'`, `"${title}"`, `\`${title}\``].some(quoted =>
    source.split(quoted).some((after, i) => i > 0 && after.trimStart().startsWith(',')),
  )

test('there are tables, and every line of one is a claim with its tests', () => {
  const lines = text.split('\n').filter(line => line.startsWith('|') && !/^\|(---|\s*claim )/.test(line))
  expect(rows.length).toBeGreaterThan(30)
  expect(rows.map(({ claim }) => claim)).toHaveLength(lines.length)
})

test.each(rows)('$claim', async ({ tests }) => {
  for (const each of tests) {
    const [, file = '', title = ''] = /^`(test\/[\w./-]+\.test\.ts)`: (.{10,})$/.exec(each) ?? []
    expect(file, each).not.toBe('')
    const source = await readFile(file, 'utf8')
    expect(hasTitle(source, title), `${file} has a test "${title}"`).toBe(true)
  }
})

test('every threat has its claims, and what is not guarded is said', () => {
  const sections = text.split(/^## /m).slice(1)
  const claimless = sections.filter(section => !section.includes('\n| claim | test |\n'))
  expect(claimless.map(section => section.split('\n', 1)[0])).toEqual([
    'Reporting',
    'What is at stake',
    'What is not guarded',
  ])
})
