/** What the Debian and the RPM package install: no document leads nowhere or needs the repository. */
import { dirname, join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { packagedPage } from '../../packaging/contents.ts'
import { DOCUMENTS, stageInstalled } from '../../packaging/installed.ts'

const files = new Map<string, string>()
const pages = () => [...files].filter(([path]) => path.endsWith('.md'))

beforeAll(async () => {
  const write = async (path: string, text: string | Uint8Array) => void files.set(path, `${text}`)
  const staging = {
    folder: '',
    write,
    writeAll: async (below: string, more: ReadonlyMap<string, string>) => {
      for (const [path, text] of more) await write(join(below, path), text)
    },
    copy: async () => undefined,
    makeFolder: async () => undefined,
  }
  const made = { version: '1.2.3', executable: '', terms: '', file: '' }
  await stageInstalled(staging, made, { units: 'units', completion: path => path })
})

test('every link in the documents leads to a file that is installed', () => {
  expect(pages().length).toBeGreaterThan(8)
  for (const [path, text] of pages())
    for (const [link, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g))
      expect([...files.keys()], `${path}: ${link}`).toContain(join(dirname(path), target))
})

test('no page for operators says to run what only the repository has', () => {
  for (const [path, text] of pages())
    expect(text, path).not.toMatch(/^ {4}(npm (ci|run (?!package)|test)|npx |cp .* systemd\/)/m)
})

test('the example names its schema where it is installed, for a copy has it too', () => {
  const example = files.get(`${DOCUMENTS}/config/certferry.example.toml`) ?? ''
  const [, schema = ''] = /^#:schema file:\/\/\/(\S+)$/m.exec(example) ?? []
  expect(JSON.parse(files.get(schema) ?? '')).toHaveProperty('properties.tencent')
})

test('a page loses links to what is not there, and parts for the repository', () => {
  const page =
    'a [b](c.md#d) [e](f.md)\n<!-- in the repository -->\ng\n<!-- / -->\n\nh [i](https://j) [k](#l)\n'
  expect(packagedPage('docs/x.md', page, new Set(['docs/c.md']))).toBe(
    'a [b](c.md#d) e\nh [i](https://j) [k](#l)\n',
  )
})
