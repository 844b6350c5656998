/** docs/deploy.md: rights, keys, states and log events are those of the program. */
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { DEPLOY_DEFAULTS, deploySettings } from '../src/config/deploy.ts'
import { REPLACE_POLICY, ROLE_COMMAND } from '../src/doctor/replacementFindings.ts'
import { REPLACEMENT_STATES } from '../src/receipts/replacement.ts'

const page = await readFile('docs/deploy.md', 'utf8')
const troubles = await readFile('docs/troubleshooting.md', 'utf8')

/** The first cells of the table below a heading. */
const firstCells = (heading: string) => {
  const [, section = ''] = page.split(`## ${heading}\n`)
  const [table = ''] = /^\| .*(?:\n\|.*)+/m.exec(section.split(/^## /m)[0] ?? '') ?? []
  return Array.from(table.matchAll(/^\| `([^|]+)` \|/gm), ([, cell = '']) => cell)
}

test('the policy and the command for the role are those that check prints', () => {
  expect(page).toContain(`\`\`\`json\n${REPLACE_POLICY}\n\`\`\`\n`)
  expect(page).toContain(`    ${ROLE_COMMAND}\n`)
})

test('every key of [deploy] has its row, with its default', () => {
  expect(firstCells('The keys of [deploy]').toSorted()).toEqual(
    [...Object.keys(DEPLOY_DEFAULTS), 'replaces', 'types', 'except'].toSorted(),
  )
  for (const [key, value] of Object.entries(DEPLOY_DEFAULTS))
    expect(page).toContain(`| \`${key}\` | \`${JSON.stringify(value)}\` |`)
  expect(deploySettings({})).toMatchObject({ replaces: [], types: undefined, except: [] })
})

test('every state has its row', () => {
  expect(firstCells('States')).toEqual([...REPLACEMENT_STATES])
})

test('every log event of a replacement is named', async () => {
  const files = await readdir('src/deploy')
  const source = (await Promise.all(files.map(file => readFile(`src/deploy/${file}`, 'utf8')))).join('\n')
  const events = new Set(Array.from(source.matchAll(/event: '(\w+)'/g), ([, event = '']) => event))
  expect(events.size).toBeGreaterThan(8)
  for (const event of events) expect(page).toContain(`\`${event}\``)
})

test('troubleshooting has a row for every word that status shows', async () => {
  const table = await readFile('docs/reference.md', 'utf8')
  const [, words = ''] = /^\| edge \| meaning \|\n\|---\|---\|\n((?:\|.*\n)+)/m.exec(table) ?? []
  const shown = Array.from(words.matchAll(/^\| ([^|]+) \|/gm), ([, cell = '']) => cell)
    .flatMap(cell => cell.split(', '))
    .map(word => word.replace(/ \d.*$/, ''))
  expect(shown.length).toBeGreaterThan(10)
  const section = troubles.split('## Uploaded, but the old certificate is still served\n')[1] ?? ''
  for (const word of shown)
    if (word !== 'replaced') expect(section.split(/^## /m)[0]).toContain(`\`${word}\``)
})
