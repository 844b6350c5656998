import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const SRC = resolve(import.meta.dirname, '../src')

/** Lowest first: a folder imports from its own line and from those above it. */
const ORDER = [
  ['errors.ts', 'secret.ts', 'version.ts', 'util', 'processContext.ts', 'terminal'],
  ['certificate'],
  ['files'],
  ['acme'],
  ['config'],
  ['log'],
  ['sources'],
  ['http'],
  ['tencent'],
  ['receipts'],
  ['upload'],
  ['deploy'],
  ['metrics', 'notify'],
  ['app.ts'],
  ['systemd', 'daemon', 'status', 'doctor', 'setup', 'emulator', 'demo'],
  ['commands'],
  ['cli'],
  ['main.ts'],
] as const

/** What a file that says "Pure." may import beside its like; the packages compute and have no effects. */
const PURE_IMPORTS =
  /^(node:(crypto|util|path\/posix)|valibot|asn1js|@peculiar\/(asn1-[a-z0-9]+|x509)|reflect-metadata)$/

interface SourceFile {
  readonly path: string
  readonly text: string
  /** Files as paths below src, packages by name. Type-only imports are marked, for they touch nothing. */
  readonly imports: readonly { readonly name: string; readonly typeOnly: boolean }[]
}

const IMPORT = /(?:^import (type )?[^'"]*?from|\bimport\(|^import)\s*'([^']+)'/gm

function read(path: string): SourceFile {
  const text = readFileSync(join(SRC, path), 'utf8')
  const imports = Array.from(text.matchAll(IMPORT), ([, type, name = '']) => ({
    name: name.startsWith('.') ? relative(SRC, resolve(SRC, dirname(path), name)) : name,
    typeOnly: type !== undefined,
  }))
  return { path, text, imports }
}

const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts'))
  .map(read)
const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : path)
const levelOf = (path: string) => ORDER.findIndex(row => (row as readonly string[]).includes(folderOf(path)))
const isOwn = (name: string) => name.endsWith('.ts')

test('every folder of src has its place in the order', () => {
  expect(FILES.filter(({ path }) => levelOf(path) < 0).map(({ path }) => path)).toEqual([])
})

test('a folder imports only from folders below it', () => {
  const upward = FILES.flatMap(({ path, imports }) =>
    imports
      .filter(({ name }) => isOwn(name) && levelOf(name) > levelOf(path))
      .map(({ name }) => `${path} imports ${name}`),
  )
  expect(upward).toEqual([])
})

const cyclesIn = (edges: ReadonlyMap<string, ReadonlySet<string>>) => {
  const cycles: string[] = []
  const done = new Set<string>()
  const walk = (node: string, way: readonly string[]) => {
    if (way.includes(node)) cycles.push([...way.slice(way.indexOf(node)), node].join(' → '))
    else if (!done.has(node)) for (const next of edges.get(node) ?? []) walk(next, [...way, node])
    done.add(node)
  }
  for (const node of edges.keys()) walk(node, [])
  return cycles
}

test('no file and no folder imports itself in a circle', () => {
  const files = new Map<string, Set<string>>()
  const folders = new Map<string, Set<string>>()
  for (const { path, imports } of FILES)
    for (const { name } of imports.filter(({ name }) => isOwn(name))) {
      files.set(path, (files.get(path) ?? new Set()).add(name))
      const [from, to] = [folderOf(path), folderOf(name)]
      if (from !== to) folders.set(from, (folders.get(from) ?? new Set()).add(to))
    }
  expect([...cyclesIn(files), ...cyclesIn(folders)]).toEqual([])
})

test('the emulator shares only the signature and the mask with the client, so that they cannot share a mistake', () => {
  const shared = FILES.filter(({ path }) => path.startsWith('emulator/'))
    .flatMap(({ imports }) => imports.map(({ name }) => name))
    .filter(name => isOwn(name) && !name.startsWith('emulator/'))
  expect([...new Set(shared)].sort()).toEqual(['secret.ts', 'tencent/signature.ts'])
})

const headerOf = (text: string) => /^(?:#!.*\n)?\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? ''
const isPure = ({ text }: SourceFile) => /\bPure\.\s*\*\/$/.test(headerOf(text))

test('a file that says "Pure." imports only pure files', () => {
  const pure = new Set(FILES.filter(isPure).map(({ path }) => path))
  expect(pure.size).toBeGreaterThan(30)
  const impure = FILES.filter(isPure).flatMap(({ path, imports }) =>
    imports
      .filter(({ name, typeOnly }) => !typeOnly && !(isOwn(name) ? pure.has(name) : PURE_IMPORTS.test(name)))
      .map(({ name }) => `${path} imports ${name}`),
  )
  expect(impure).toEqual([])
})

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')

test('only main.ts touches the process', () => {
  const touching = FILES.filter(
    ({ text, imports }) =>
      /\bprocess\b[.[]/.test(withoutComments(text)) || imports.some(({ name }) => name === 'node:process'),
  )
  expect(touching.map(({ path }) => path)).toEqual(['main.ts'])
})

test('every file says in its first line what it is, and has at most 300 lines', () => {
  const silent = FILES.filter(({ text }) => headerOf(text) === '')
  const long = FILES.filter(({ text }) => text.trimEnd().split('\n').length > 300)
  expect([...silent, ...long].map(({ path }) => path)).toEqual([])
})

test('every export has a name', () => {
  expect(FILES.filter(({ text }) => /\bexport default\b/.test(text)).map(({ path }) => path)).toEqual([])
})
