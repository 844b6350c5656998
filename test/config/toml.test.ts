import fc from 'fast-check'
import { getStaticTOMLValue, parseTOML } from 'toml-eslint-parser'
import { describe, expect, test } from 'vitest'
import { parseToml, TomlError } from '../../src/config/toml.ts'
import type { KeyPath } from '../../src/config/values.ts'

const lineOf = (text: string) => {
  const { positionOf } = parseToml(text)
  return (path: KeyPath) => positionOf(path)?.line
}

const CONFIGURATION = `# first
[tencent]
endpoint = "https://x" # endpoint = 2
  region="ap"

[[source]]
kind = 'certbot'

[[source]]
kind = "pem"
tags = { team = "web",
  env = "live" }

[source.more]
note = """
[not.a.table]
chain = 'no key'
"""
"odd \\u006bey".deep = [ 1, # [2]
  { inner = 2020-01-02 03:04:05Z },
]
[log]
level = ''
`

describe('the line of a key', () => {
  test.each<[KeyPath, number]>([
    [['tencent'], 2],
    [['tencent', 'endpoint'], 3],
    [['tencent', 'region'], 4],
    [['source', 0], 6],
    [['source', 0, 'kind'], 7],
    [['source', 1], 9],
    [['source', 1, 'kind'], 10],
    [['source', 1, 'tags', 'env'], 12],
    [['source', 1, 'more', 'note'], 15],
    [['source', 1, 'more', 'odd key', 'deep', 0], 19],
    [['source', 1, 'more', 'odd key', 'deep', 1, 'inner'], 20],
    [['log', 'level'], 23],
  ])('%j is %i', (path, line) => {
    expect(lineOf(CONFIGURATION)(path)).toBe(line)
  })

  test('that is not there is that of the table it is missing in, or none', () => {
    const line = lineOf(CONFIGURATION)
    expect(line(['source', 1, 'chain'])).toBe(9)
    expect(line(['tencent', 'endpoint', 'x'])).toBe(3)
    expect(line(['state', 'dir'])).toBeUndefined()
  })

  test('is the same with the line ends of Windows', () => {
    const line = lineOf(CONFIGURATION.replaceAll('\n', '\r\n'))
    expect([line(['source', 1, 'more', 'note']), line(['log', 'level'])]).toEqual([15, 23])
  })
})

type Tree = number | string | readonly Tree[] | { readonly [key: string]: Tree }

/** What would mislead whoever looks for keys without reading strings. */
const LURES = [
  '',
  'x = 1',
  '[a]',
  '[[b]]',
  '# c',
  "it's",
  'say "so"',
  '\\',
  '{ d = [',
  'line\nkey = 2\n[e]\n',
  '"""',
]

const { tree } = fc.letrec<{ tree: Tree; table: Tree; leaf: Tree }>(tie => ({
  leaf: fc.oneof(fc.nat(99), fc.constantFrom(...LURES)),
  table: fc.dictionary(
    fc.constantFrom('a', 'b-1', 'with blank', 'dot.ted', "quo'te", 'uni\u00e9', ''),
    tie('tree'),
    {
      maxKeys: 4,
    },
  ),
  tree: fc.oneof(
    { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('tree'), { maxLength: 3 }),
    tie('table'),
  ),
}))
const document = fc.dictionary(fc.constantFrom('one', 'two three', 'four'), tree, { minKeys: 1 })

const isTable = (value: Tree): value is { readonly [key: string]: Tree } =>
  typeof value === 'object' && !Array.isArray(value)

/** The document as TOML, each time it could be written in several ways as the dice say; each key is made the only one of its name. */
function written(root: { readonly [key: string]: Tree }, dice: (sides: number) => number): string {
  let names = 0
  const space = () => ' '.repeat(dice(3))
  const line = () => ['', '', ' # [c]', ' # k = "']?.[dice(4)] ?? ''
  const key = (name: string) => {
    names += 1
    const unique = `${name}~${names}~`
    return dice(2) && !unique.includes("'") ? `'${unique}'` : JSON.stringify(unique)
  }
  const string = (text: string) => {
    const plain = !/['\\]/.test(text)
    if (plain && dice(2)) return text.includes('\n') || dice(2) ? `'''\n${text}'''` : `'${text}'`
    return dice(2) ? JSON.stringify(text) : `"""\n${text.replace(/[\\"]/g, '\\$&')}"""`
  }
  const value = (of: Tree): string => {
    if (typeof of === 'number') return dice(2) ? `${of}` : `${of}.5`
    if (typeof of === 'string') return string(of)
    if (!isTable(of))
      return `[${of.map(one => (dice(2) ? `\n${space()}` : '') + value(one)).join(`${line() && '\n'},`)}${dice(2) && of.length ? ',\n' : ''}]`
    return `{${Object.entries(of)
      .map(([name, one]) => `${space()}${key(name)} = ${value(one)}`)
      .join(',')}}`
  }
  const table = (entries: { readonly [key: string]: Tree }, header: string): string => {
    const [pairs, below]: [string[], string[]] = [[], []]
    for (const [name, one] of Object.entries(entries)) {
      const named = key(name)
      const full = header ? `${header}${space()}.${space()}${named}` : named
      if (isTable(one) && dice(3)) below.push(`${space()}[${full}]${line()}\n${table(one, full)}`)
      else if (Array.isArray(one) && one.length && one.every(isTable) && dice(3))
        for (const row of one as ReadonlyArray<{ readonly [key: string]: Tree }>)
          below.push(`[[${space()}${full}]]${line()}\n${table(row, full)}`)
      else pairs.push(`${space()}${named}${space()}=${space()}${value(one)}${line()}\n`)
    }
    return [...pairs, ...below].join(dice(2) ? '\n' : '')
  }
  return table(root, '')
}

function* pathsIn(value: unknown, path: KeyPath = []): Generator<KeyPath> {
  if (typeof value !== 'object' || value === null || value instanceof Date) return
  for (const [name, one] of Object.entries(value)) {
    const here = [...path, Array.isArray(value) ? Number(name) : name]
    yield here
    yield* pathsIn(one, here)
  }
}

test('every key that the parser finds is on the line that is told, however the text is laid out', () => {
  fc.assert(
    fc.property(document, fc.infiniteStream(fc.nat(11)), (root, tape) => {
      const text = written(root, sides => (tape.next().value ?? 0) % sides)
      const { value, positionOf } = parseToml(text)
      expect(value).toEqual(getStaticTOMLValue(parseTOML(text)))
      const lines = text.split('\n')
      for (const path of pathsIn(value)) {
        const name = path.findLast(step => typeof step === 'string') ?? ''
        if (typeof path.at(-1) === 'number') continue
        const unique = /~\d+~$/.exec(name)?.[0] ?? 'no name'
        expect(lines[(positionOf(path)?.line ?? 0) - 1], `${JSON.stringify(path)} in\n${text}`).toContain(
          unique,
        )
      }
    }),
    { numRuns: 500 },
  )
})

test('a key with a member of every object as its name is a key like any other', () => {
  const { value } = parseToml(
    '[__proto__]\nx = 1\n[a.constructor.prototype]\nx = 1\n[[b.__proto__]]\nx = 1\n[c]\nd = { __proto__ = { x = 1 } }\n',
  )
  expect(Object.keys(value)).toEqual(['__proto__', 'a', 'b', 'c'])
  expect(({} as { x?: unknown }).x).toBeUndefined()
})

test('any text is TOML or has a message of one line, with a position inside the text', () => {
  const letters = fc.constantFrom(...'[]{}="\'#\\.,\n a1~')
  fc.assert(
    fc.property(fc.string({ unit: letters, maxLength: 200 }), text => {
      try {
        parseToml(text)
      } catch (error) {
        expect(error).toBeInstanceOf(TomlError)
        const { message, position } = error as TomlError
        expect(message).not.toContain('\n')
        expect(position?.line).toBeLessThanOrEqual(text.split('\n').length)
      }
    }),
    { numRuns: 2_000 },
  )
})

test.each([
  ['a key of fifty thousand parts', `${'a.'.repeat(50_000)}a = 1\n[b]\nc = 1\n`],
  ['a header of as many', `[${'a.'.repeat(50_000)}a]\n[b]\nc = 1\n`],
  ['a list in a list, a thousand deep', `a = ${'['.repeat(999)}${']'.repeat(999)}\n[b]\nc = 1\n`],
])('%s is read as far as a configuration can go, and what follows is found', (_, text) => {
  expect(lineOf(text)(['b', 'c'])).toBe(3)
  expect(JSON.stringify(parseToml(text).value).length).toBeLessThan(200)
})

test.each([
  ['a value of half a megabyte', `a = "${'x'.repeat(500_000)}"`, /too long or nested too deeply/, undefined],
  ['an integer that a number cannot hold', '\na = 99999999999999999999', /too large/, { line: 2, column: 5 }],
  ['a value that is missing', 'a = ', /./, { line: 1, column: 5 }],
  ['a key that stands twice', 'a = 1\na = 2', /./, { line: 2, column: 1 }],
])('%s is refused with its position', (_, text, message, position) => {
  const error = expect.objectContaining({ message: expect.stringMatching(message), position })
  expect(() => parseToml(text)).toThrow(error)
})

test('a byte order mark in front is no part of the text', () => {
  expect(parseToml('\ufeffa = 1').value).toEqual({ a: 1 })
})
