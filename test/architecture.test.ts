import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const SRC = resolve(import.meta.dirname, '../src')

interface SourceFile {
  readonly path: string
  readonly text: string
  /** Files as paths below src, everything else by its name. */
  readonly imports: readonly string[]
}

const IMPORT = /(?:\bfrom|\bimport\(|^import)\s*'([^']+)'/gm

function read(path: string): SourceFile {
  const text = readFileSync(join(SRC, path), 'utf8')
  const imports = Array.from(text.matchAll(IMPORT), ([, name = '']) =>
    name.startsWith('.') ? relative(SRC, resolve(SRC, dirname(path), name)) : name,
  )
  return { path, text, imports }
}

const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts'))
  .map(read)

/** What the files of a room import, without what they may. */
const strays = (room: RegExp, allowed: RegExp) =>
  FILES.filter(({ path }) => room.test(path)).flatMap(({ path, imports }) =>
    imports.filter(name => !allowed.test(name)).map(name => `${path} imports ${name}`),
  )

test.each([
  ['core decides and touches nothing', /^core\//, /^(core\/.*|node:(crypto|util|path\/posix)|valibot)$/],
  [
    'the story and the pass know no effect',
    /^(sync|pass|firstLook)\.ts$/,
    /^(core\/.*|(sync|firstLook)\.ts)$/,
  ],
  [
    'edge knows core and the world, and nothing of commands',
    /^edge\//,
    /^(edge\/.*|core\/.*|world\.ts|node:.*|chokidar|ini|node-cron|prom-client|smol-toml|undici)$/,
  ],
  [
    'the emulator shares with the client the signer and the mask, so that the two cannot share a mistake',
    /^emulator\//,
    /^(emulator\/.*|core\/(tc3|secret)\.ts|node:.*)$/,
  ],
])('%s', (_, room, allowed) => {
  expect(FILES.some(({ path }) => room.test(path))).toBe(true)
  expect(strays(room, allowed)).toEqual([])
})

test('no file imports itself in a circle', () => {
  const imports = new Map(FILES.map(file => [file.path, file.imports]))
  const circles: string[] = []
  const walk = (path: string, way: readonly string[]) => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' → '))
    else if (!done.has(path)) for (const next of imports.get(path) ?? []) walk(next, [...way, path])
    done.add(path)
  }
  const done = new Set<string>()
  for (const path of imports.keys()) walk(path, [])
  expect(circles).toEqual([])
})

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')

test('only main.ts touches the process', () => {
  const touching = FILES.filter(
    ({ text, imports }) => /\bprocess\b[.[]/.test(withoutComments(text)) || imports.includes('node:process'),
  )
  expect(touching.map(({ path }) => path)).toEqual(['main.ts'])
})

test('every file says in its first line what it is, and none grows beyond 300 lines', () => {
  const silent = FILES.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text))
  const long = FILES.filter(({ text }) => text.trimEnd().split('\n').length > 300)
  expect([...silent, ...long].map(({ path }) => path)).toEqual([])
})

test('nothing is exported without a name, or named for nothing', () => {
  const nameless = FILES.filter(({ text }) => /\bexport default\b/.test(text))
  const vague = FILES.filter(({ path }) => /(utils?|helpers?|manager|service)\.ts$/i.test(path))
  expect([...nameless, ...vague].map(({ path }) => path)).toEqual([])
})
