import fc from 'fast-check'
import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { type KeyPath, keyLines } from '../../src/config/tomlLines.ts'

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
    expect(() => parse(CONFIGURATION)).not.toThrow()
    expect(keyLines(CONFIGURATION)(path)).toBe(line)
  })

  test('that is not there is that of the table it is missing in, or none', () => {
    const lineOf = keyLines(CONFIGURATION)
    expect(lineOf(['source', 1, 'chain'])).toBe(9)
    expect(lineOf(['tencent', 'endpoint', 'x'])).toBe(3)
    expect(lineOf(['state', 'dir'])).toBeUndefined()
  })

  test('is the same with the line ends of Windows', () => {
    const lineOf = keyLines(CONFIGURATION.replaceAll('\n', '\r\n'))
    expect([lineOf(['source', 1, 'more', 'note']), lineOf(['log', 'level'])]).toEqual([15, 23])
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
      const [lines, lineOf] = [text.split('\n'), keyLines(text)]
      for (const path of pathsIn(parse(text))) {
        const name = path.findLast(step => typeof step === 'string') ?? ''
        if (typeof path.at(-1) === 'number') continue
        const unique = /~\d+~$/.exec(name)?.[0] ?? 'no name'
        expect(lines[(lineOf(path) ?? 0) - 1], `${JSON.stringify(path)} in\n${text}`).toContain(unique)
      }
    }),
    { numRuns: 500 },
  )
})

test('no text at all makes it throw or go on for ever', () => {
  const letters = fc.constantFrom(...'[]{}="\'#\\.,\n a1~')
  fc.assert(
    fc.property(fc.string({ unit: letters, maxLength: 200 }), text => {
      expect(keyLines(text)(['a']) ?? 1).toBeLessThanOrEqual(text.split('\n').length)
    }),
    { numRuns: 2_000 },
  )
})

test.each([
  ['a key of half a million parts', `${'a.'.repeat(500_000)}a = 1\n[b]\nc = 1\n`],
  ['a header of as many', `[${'a.'.repeat(500_000)}a]\n[b]\nc = 1\n`],
  ['a list in a list, a thousand deep', `a = ${'['.repeat(999)}${']'.repeat(999)}\n[b]\nc = 1\n`],
])('%s takes a moment, and what comes after it is found', (_, text) => {
  expect(keyLines(text)(['b', 'c'])).toBe(3)
})
