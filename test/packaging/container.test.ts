/** The container file, read as a builder reads it; test/e2e/image.test.ts builds it. */
import { access, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { readVersion } from '../../packaging/bundle.ts'
import { documents } from '../../packaging/contents.ts'

const FILE = 'packaging/container/Containerfile'
const text = await readFile(FILE, 'utf8')
const instructions = text
  .replaceAll(/\\\n/g, ' ')
  .split('\n')
  .filter(line => line && !line.startsWith('#'))

test('each line is an instruction, and the first says what it is made from', () => {
  for (const line of instructions) expect(line).toMatch(/^(FROM|ARG|ADD|RUN|VOLUME|USER|ENTRYPOINT|CMD) \S/)
  expect(instructions[0]).toMatch(/^FROM docker\.io\/library\/debian:[a-z]+-slim$/)
})

test('it takes the archive that npm run package makes', async () => {
  expect(instructions).toContain(`ARG VERSION=${await readVersion()}`)
  expect(text).toMatch(/ADD certferry-\$\{VERSION\}-linux-\$\{ARCH\}\.tar\.gz \/opt\//)
  const release = await readFile('packaging/release.ts', 'utf8')
  expect(release).toMatch(/`certferry-\$\{version\}-linux-\$\{target\}\.tar\.gz`/)
})

test('what it starts watches, as root without capabilities, who owns the keys', () => {
  expect(instructions.slice(-3)).toEqual([
    'USER 0:0',
    'ENTRYPOINT ["/usr/local/bin/certferry"]',
    'CMD ["watch"]',
  ])
})

test('the documents are packed where their links lead', async () => {
  const paths = [...(await documents()).keys()]
  expect(paths).toEqual(expect.arrayContaining(['README.md', 'docs/operating.md', 'docs/troubleshooting.md']))
  for (const path of paths) await expect(access(path)).resolves.toBeUndefined()
})
