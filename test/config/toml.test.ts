import fc from 'fast-check'
import { getStaticTOMLValue, parseTOML } from 'toml-eslint-parser'
import { expect, test } from 'vitest'
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
])('positionOf(%j) is on line %i', (path, line) => {
  expect(lineOf(CONFIGURATION)(path)).toBe(line)
})

test('a missing key has the position of the table around it, or none', () => {
  const line = lineOf(CONFIGURATION)
  expect(line(['source', 1, 'chain'])).toBe(9)
  expect(line(['tencent', 'endpoint', 'x'])).toBe(3)
  expect(line(['state', 'dir'])).toBeUndefined()
})

test('positions are the same with the line ends of Windows', () => {
  const line = lineOf(CONFIGURATION.replaceAll('\n', '\r\n'))
  expect([line(['source', 1, 'more', 'note']), line(['log', 'level'])]).toEqual([15, 23])
})

test('the values are those of the library, at any depth', () => {
  expect(parseToml(CONFIGURATION).value).toEqual(getStaticTOMLValue(parseTOML(CONFIGURATION)))
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
