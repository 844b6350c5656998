/** What the documents claim of commands, codes and files is there. */
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { COMMANDS } from '../src/cli/commandTable.ts'
import { ADVICE } from '../src/core/advice.ts'
import { Fault, mostSevere } from '../src/core/fault.ts'

const readme = await readFile('README.md', 'utf8')
const troubles = await readFile('docs/troubleshooting.md', 'utf8')
const documents = ['README.md', ...(await readdir('docs')).map(name => `docs/${name}`)]
const CODES = Object.keys(ADVICE) as ReadonlyArray<keyof typeof ADVICE>

test('the two commands of the first screen are in the README', () => {
  for (const command of ['npm ci && npm run demo', 'npm ci && npm test'])
    expect(readme).toContain(`    ${command}\n`)
})

test.each(documents)('every file that %s links to is there', async document => {
  const text = await readFile(document, 'utf8')
  const base = document.includes('/') ? 'docs/' : ''
  for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
    await expect(
      readdir(`${base}${target}`).catch(() => readFile(`${base}${target}`)),
      target,
    ).resolves.toBeDefined()
  }
})

test('every certferry command the documents type exists', async () => {
  const names = COMMANDS.map(({ name }) => name)
  for (const document of documents) {
    const text = await readFile(document, 'utf8')
    for (const [, name] of text.matchAll(/(?:^\$ |`|bin\/)certferry ([a-z-]+)/gm))
      expect(names, document).toContain(name)
  }
})

test('every exit code that a fault has is explained, and the order of severity named', () => {
  const exits = [...new Set(CODES.map(code => new Fault(code, 'x').exit))]
  for (const exit of exits) expect(troubles).toMatch(new RegExp(`^\\| ${exit} \\|`, 'm'))
  const order =
    troubles
      .match(/most severe decides: ([\d, ]+)\./)?.[1]
      ?.split(', ')
      .map(Number) ?? []
  for (const [i, exit] of order.entries()) expect(mostSevere([...order.slice(i)].reverse())).toBe(exit)
  expect(order.toSorted()).toEqual(exits.filter(exit => exit !== 64).toSorted())
})
