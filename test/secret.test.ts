import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { format, inspect } from 'node:util'
import { serialize } from 'node:v8'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { secret, withoutKeys } from '../src/secret.ts'
import { processorTime } from './fixtures/processor.ts'

const TEXT = 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE'
const hidden = secret(TEXT)

function printed(write: (console: Console) => void): string {
  const parts: string[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      parts.push(String(chunk))
      done()
    },
  })
  write(new Console({ stdout: sink, stderr: sink }))
  return parts.join('')
}

describe('a secret reaches the network and nothing else', () => {
  test('reveal returns the text', () => {
    expect(hidden.reveal()).toBe(TEXT)
  })

  test.each<readonly [string, () => string]>([
    ['String()', () => String(hidden)],
    ['a template', () => `${hidden}`],
    ['joining', () => [hidden, hidden].join()],
    ['adding', () => `a${hidden}`.concat(hidden as unknown as string)],
    ['JSON', () => JSON.stringify({ hidden, list: [hidden] })],
    ['inspect', () => inspect(hidden)],
    [
      'inspect, deep and with everything shown',
      () => inspect({ a: { hidden } }, { depth: 9, showHidden: true }),
    ],
    [
      'inspect without custom ways',
      () => inspect(hidden, { customInspect: false, showHidden: true, getters: true }),
    ],
    ['format', () => format('%s %o %O %j', hidden, hidden, hidden, hidden)],
    ['console', () => printed(console => console.log(hidden, '%s', hidden))],
    ['console.dir', () => printed(console => console.dir({ hidden }, { depth: 9, showHidden: true }))],
    ['console.table', () => printed(console => console.table([{ hidden }]))],
    ['its members', () => Object.entries(hidden).map(String).join()],
    ['a copy of it', () => inspect({ ...hidden })],
    ['an error about it', () => inspect(new Error(`bad key ${hidden}`, { cause: hidden }))],
    ['the source of its functions', () => Object.values(hidden).map(String).join()],
    ['sorting', () => [hidden, hidden].sort().join()],
    ['locale', () => hidden.toLocaleString()],
  ])('%s does not show it', (_, show) => {
    expect(show()).not.toContain(TEXT)
  })

  test('String, template and JSON show that there is one', () => {
    expect([String(hidden), `${hidden}`, JSON.stringify(hidden), inspect(hidden)]).toEqual([
      '[secret]',
      '[secret]',
      '"[secret]"',
      '[secret]',
    ])
  })

  test('cloning it for another thread or the disk fails rather than copying it', () => {
    expect(() => structuredClone(hidden)).toThrow(/could not be cloned/)
    expect(() => serialize(hidden)).toThrow(/could not be cloned/)
  })

  test('what it shows cannot be changed', () => {
    expect(() => Object.assign(hidden, { toString: () => TEXT })).toThrow(TypeError)
  })
})

describe('keys are cut out of text from elsewhere', () => {
  const key = (label: string) => `-----BEGIN ${label}-----\nMIIsecret\n-----END ${label}-----`

  test.each([
    'PRIVATE KEY',
    'EC PRIVATE KEY',
    'RSA PRIVATE KEY',
    'ENCRYPTED PRIVATE KEY',
    'OPENSSH PRIVATE KEY',
  ])('%s', label => {
    expect(withoutKeys(`before ${key(label)} between ${key(label)} after`)).toBe(
      'before [secret] between [secret] after',
    )
  })

  test('cut off, escaped or on one line', () => {
    expect(withoutKeys('bad: -----BEGIN PRIVATE KEY-----\nMIIsec')).toBe('bad: [secret]')
    expect(withoutKeys(JSON.stringify({ key: key('PRIVATE KEY') }))).toBe('{"key":"[secret]"}')
    expect(withoutKeys(key('EC PRIVATE KEY').replaceAll('\n', ' '))).toBe('[secret]')
  })

  test('text without one stays as it is, certificates too', () => {
    fc.assert(fc.property(fc.string(), text => withoutKeys(text) === text))
    expect(withoutKeys(key('CERTIFICATE'))).toBe(key('CERTIFICATE'))
  })

  test('1 MiB that never quite is one takes a moment', () => {
    const spent = processorTime(() => {
      withoutKeys('-----BEGIN A'.repeat(1 << 17))
      withoutKeys(`-----BEGIN PRIVATE KEY-----${'-----END A'.repeat(1 << 17)}`)
      withoutKeys(`-----BEGIN ${'A'.repeat(1 << 20)}`)
    })
    expect(spent).toBeLessThan(3_000)
  })
})
