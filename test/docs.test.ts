/** What the documents claim of commands, codes and files is there. */

import { existsSync } from 'node:fs'
import { access, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CLIENTS, FOLDER_KINDS } from '../src/acme/clients.ts'
import { COMMANDS } from '../src/cli/commands.ts'
import { DEPLOY_DEFAULTS, deploySettings } from '../src/config/deploy.ts'
import { parseToml } from '../src/config/toml.ts'
import { readConfig } from '../src/config/validate.ts'
import { POLICY, REQUIRED_ACTIONS } from '../src/doctor/account.ts'
import { REPLACE_POLICY, ROLE_COMMAND } from '../src/doctor/replacementFindings.ts'
import { FAULTS, Fault, mostSevereExitCode } from '../src/errors.ts'
import { REPLACEMENT_STATES } from '../src/receipts/replacement.ts'
import { receiptFrom } from '../src/receipts/shape.ts'

const readme = await readFile('README.md', 'utf8')
const troubles = await readFile('docs/troubleshooting.md', 'utf8')
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...(await readdir('docs')).filter(name => name.endsWith('.md')).map(name => `docs/${name}`),
]
const CODES = Object.keys(FAULTS) as ReadonlyArray<keyof typeof FAULTS>

test('the two commands of the first screen are in the README', () => {
  for (const command of ['npm ci && npm run demo', 'npm ci && npm test'])
    expect(readme).toContain(`    ${command}\n`)
})

test('the README is two screens of 80 columns, its session and the list of documents', () => {
  const [, before = '', after = ''] =
    /^(.*)<!-- recorded by.*<!-- recorded -->(.*)^## Documents$/ms.exec(readme) ?? []
  const lines = `${before}${after}`.split('\n').filter(line => line && !/^(```|<!--)/.test(line))
  expect(lines.length).toBeLessThanOrEqual(48)
  for (const line of lines) expect([...line].length, line).toBeLessThanOrEqual(80)
})

test.each(documents)('everything that %s links to is there, down to the heading', async document => {
  const text = await readFile(document, 'utf8')
  for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
    const [path = '', anchor] = target.split('#')
    const file = path ? join(dirname(document), path) : document
    await expect(access(file), target).resolves.toBeUndefined()
    if (anchor !== undefined) expect(anchorsOf(await readFile(file, 'utf8')), target).toContain(anchor)
  }
})

test.each(['CONTRIBUTING.md', 'docs/architecture.md'])(
  'every source file that %s names is there',
  async document => {
    const text = await readFile(document, 'utf8')
    const files = Array.from(text.matchAll(/`([\w/.-]+\.ts)`/g), ([, file = '']) => file)
    expect(files.length).toBeGreaterThan(10)
    const missing = files.filter(file => ![file, join('src', file)].some(path => existsSync(path)))
    expect(missing).toEqual([])
  },
)

/** As the web pages of repositories make them of headings. */
const anchorsOf = (text: string) =>
  Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

test('every document can be found from the README', () => {
  for (const document of documents.slice(1)) expect(readme).toContain(`(${document})`)
})

describe('every command line in the documents can be typed', () => {
  test.each(documents)('%s', async document => {
    for (const words of typedIn(await readFile(document, 'utf8'))) {
      const [name, ...rest] = words
      if (name === 'help') continue
      const command = COMMANDS.find(one => one.name === name)
      if (name?.startsWith('--')) expect(['--help', '--version'], words.join(' ')).toContain(name)
      else expect(command, words.join(' ')).toBeDefined()
      const known = Object.entries(command?.options ?? {}).flatMap(([option, { short }]) => [
        `--${option}`,
        `-${short}`,
      ])
      for (const word of rest.filter(word => /^--?[a-z]/.test(word)))
        expect([...known, '--help'], words.join(' ')).toContain(word.replace(/=.*/, ''))
    }
  })
})

/** What stands in code and begins with our name, by itself, after a prompt, sudo, variables, or a crontab's user. */
function typedIn(text: string): ReadonlyArray<readonly string[]> {
  const blocks = Array.from(text.matchAll(/^```.*\n([\s\S]*?)^```$/gm), ([, code = '']) => code)
  const lines = [...blocks.join('').split('\n'), ...(text.match(/^ {4}.*$/gm) ?? [])]
  const spans = Array.from(text.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g), ([, code = '']) => code)
  const before =
    /^\s*(?:[$#] )?(?:\S+ \S+ \* \* \* +root +)?(?:sudo )?(?:[A-Z_]+=\S+ )*(?:\S*bin\/)?certferry ([a-z-]+.*)$/
  return [...lines, ...spans].flatMap(line => {
    const [, typed] = before.exec(line.replace(/\\$/, '')) ?? []
    // what the program says of itself begins with its name too
    if (typed === undefined || /^(is|needs|carries) /.test(typed)) return []
    return [
      typed
        .split(/ [|>#…]|[;|]/, 1)[0]
        ?.trim()
        .split(/ +/) ?? [],
    ]
  })
}

describe('every configuration in the documents is one', () => {
  test.each(documents)('%s', async document => {
    const text = await readFile(document, 'utf8')
    for (const [, toml = ''] of text.matchAll(/^```toml\n([\s\S]*?)^```$/gm))
      expect(readConfig(parseToml(toml).value).problems, toml).toEqual([])
  })
})

test('the record that is shown is one, and each of its members is explained', async () => {
  const reference = await readFile('docs/reference.md', 'utf8')
  const text = reference.slice(reference.indexOf('## What is recorded'))
  const [, json = ''] = /^```json\n([\s\S]*?)^```$/m.exec(text) ?? []
  const { uploaded, ...others } = JSON.parse(json)
  const receipt = receiptFrom({ ...others, ...uploaded })
  expect(receipt?.uploaded).toEqual(uploaded)
  expect(receipt?.superseded).toHaveLength(1)
  const members = [
    ...Object.keys(JSON.parse(json)),
    ...Object.keys(uploaded),
    'bound',
    'boundAt',
    'mayReturn',
  ]
  for (const member of members) expect(text).toContain(`\`${member}\``)
})

test('the policy to paste is the one that check prints', async () => {
  const [, json] = /^```json\n([\s\S]*?)\n```$/m.exec(await readFile('docs/credentials.md', 'utf8')) ?? []
  expect(json).toBe(POLICY)
  expect(JSON.parse(POLICY).statement[0].action).toContain(REQUIRED_ACTIONS)
})

test('the policy for replacing is the one that check prints, and so is the command that creates the role', async () => {
  const text = await readFile('docs/deploy.md', 'utf8')
  const [, json] = /^```json\n([\s\S]*?)\n```$/m.exec(text) ?? []
  expect(json).toBe(REPLACE_POLICY)
  expect(text).toContain(ROLE_COMMAND)
})

test('every exit code that a fault has is explained, and the order of severity named', () => {
  const exits = [...new Set(CODES.map(code => new Fault(code, 'x').exit))]
  for (const exit of exits) expect(troubles).toMatch(new RegExp(`^\\| ${exit} \\|`, 'm'))
  const order =
    troubles
      .match(/most severe decides: ([\d, ]+)\./)?.[1]
      ?.split(', ')
      .map(Number) ?? []
  for (const [i, exit] of order.entries())
    expect(mostSevereExitCode([...order.slice(i)].reverse())).toBe(exit)
  expect(order.toSorted()).toEqual(exits.filter(exit => exit !== 64).toSorted())
})

const text = await readFile('docs/clients.md', 'utf8')

test('every configuration is one that the program takes, and every client has its own', () => {
  const blocks = [...text.matchAll(/^```toml\n(.*?)^```/gms)].map(([, block = '']) =>
    readConfig(parseToml(block).value),
  )
  for (const reading of blocks) expect(reading.problems).toEqual([])
  const kinds = blocks.flatMap(({ config }) => config.source ?? [])
  expect(kinds.map(({ kind }) => kind).filter(kind => kind !== 'pem')).toEqual(FOLDER_KINDS)
})

test('every client has its usual place', () => {
  const rows = [...text.matchAll(/^\| (\S+) \| `([^`]+)` \| `([^`:]+):/gm)]
  expect(rows.map(([, , place, kind]) => [kind, place])).toEqual(
    FOLDER_KINDS.map(kind => [kind, CLIENTS[kind].directory('~')]),
  )
})

const page = await readFile('docs/deploy.md', 'utf8')
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
