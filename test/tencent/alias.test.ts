import { describe, expect, test } from 'vitest'
import { aliasProblem, DEFAULT_ALIAS } from '../../src/config/values.ts'
import { aliasOf } from '../../src/tencent/uploadRequest.ts'

const values = { name: 'example.com_ecc', domain: '*.example.com', notAfter: '2026-05-02' }

test.each([
  [DEFAULT_ALIAS, 'example.com_ecc 2026-05-02'],
  ['{domain} ({name}) until {notAfter}', '*.example.com (example.com_ecc) until 2026-05-02'],
  ['{name}/{name}', 'example.com_ecc/example.com_ecc'],
  ['证书 {domain}', '证书 *.example.com'],
  ['fixed', 'fixed'],
  ['', ''],
  ['a { b } {', undefined],
  ['{', '{'],
])('%j becomes %j', (template, alias) => {
  if (alias === undefined) expect(aliasProblem(template)).toBeDefined()
  else expect([aliasProblem(template), aliasOf(template, values)]).toEqual([undefined, alias])
})

test('what stands in a name is never read as a template, nor as a replacement', () => {
  const odd = { name: '{domain}', domain: '{name}', notAfter: '$& $1 $$' }
  expect(aliasOf('{name}|{domain}|{notAfter}', odd)).toBe('{domain}|{name}|$& $1 $$')
})

describe('two hundred characters are enough', () => {
  test('a longer alias is cut, never inside a character', () => {
    expect(aliasOf('{name}', { ...values, name: 'x'.repeat(300) })).toHaveLength(200)
    const cut = aliasOf('x{name}', { ...values, name: '🏪'.repeat(300) })
    expect([...cut]).toHaveLength(200)
    expect(cut.isWellFormed()).toBe(true)
  })

  test('a longer template is a mistake', () => {
    expect(aliasProblem('x'.repeat(200))).toBeUndefined()
    expect(aliasProblem('店'.repeat(200))).toBeUndefined()
    expect(aliasProblem('x'.repeat(201))).toBe('expected at most 200 characters')
  })
})

test.each([
  ['{date}', '{date}'],
  ['{}', '{}'],
  ['{Name}', '{Name}'],
  ['{ name }', '{ name }'],
  ['{name} {constructor}', '{constructor}'],
])('%s is refused: there is no such field', (template, field) => {
  expect(aliasProblem(template)).toBe(
    `unknown field ${field}: the fields are {name}, {domain} and {notAfter}`,
  )
})
