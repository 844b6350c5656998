import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/schema.ts'
import {
  isMatch,
  type Options,
  resolvePaths,
  resolveSettings,
  type Settings,
} from '../../src/config/settings.ts'
import { DEFAULT_ALIAS } from '../../src/config/values.ts'
import { processorTime } from '../fixtures/processor.ts'
import { faultOf } from '../fixtures/samples.ts'

const FILE: Config = {
  tencent: { endpoint: 'https://file.example', rate_per_second: 3 },
  log: { level: 'warn' },
  state: { dir: '/file' },
  source: [{ kind: 'certbot', path: '/file' }],
}
const ENVIRONMENT = {
  CERTFERRY_ENDPOINT: 'https://environment.example',
  CERTFERRY_LOG_LEVEL: 'error',
  CERTFERRY_STATE_DIR: '/environment',
}
const OPTIONS: Options = {
  endpoint: 'https://option.example',
  logLevel: 'debug',
  stateDir: '/option',
  rate: 7,
  source: [{ kind: 'acme.sh', path: '/option', keys: {} }],
}
const inForce = ({ endpoint, logLevel, stateDir, ratePerSecond, sources }: Settings) => [
  endpoint.href,
  logLevel,
  stateDir,
  ratePerSecond,
  sources.map(source => 'path' in source && source.path).join(),
]

describe('resolveSettings', () => {
  test.each<readonly [string, Options, Record<string, string>, Config, readonly unknown[]]>([
    ['defaults', {}, {}, {}, ['https://ssl.tencentcloudapi.com/', 'info', '/var/lib/certferry', 10, '']],
    ['file', {}, {}, FILE, ['https://file.example/', 'warn', '/file', 3, '/file']],
    [
      'environment',
      {},
      ENVIRONMENT,
      FILE,
      ['https://environment.example/', 'error', '/environment', 3, '/file'],
    ],
    ['options', OPTIONS, ENVIRONMENT, FILE, ['https://option.example/', 'debug', '/option', 7, '/option']],
  ])('option over environment over file over default: %s', (_, options, environment, file, expected) => {
    expect(inForce(resolveSettings(options, environment, file))).toEqual(expected)
  })

  test('an empty variable counts as not set', () => {
    const empty = Object.fromEntries(Object.keys(ENVIRONMENT).map(name => [name, '']))
    expect(inForce(resolveSettings({}, empty, FILE))).toEqual(inForce(resolveSettings({}, {}, FILE)))
  })

  test('region, language, profile and proxy come from the file', () => {
    expect(resolveSettings({}, {}, {})).toMatchObject({
      region: undefined,
      language: 'en-US',
      profile: 'default',
      proxy: undefined,
    })
    const tencent = { region: 'ap-beijing', language: 'zh-CN', profile: 'p', proxy: 'http://proxy' } as const
    expect(resolveSettings({}, {}, { tencent })).toMatchObject(tencent)
  })
})

describe('invalid options and variables', () => {
  test('invalid options and variables are reported at once, each by its name', () => {
    const environment = { CERTFERRY_ENDPOINT: 'http://evil.com', CERTFERRY_LOG_LEVEL: 'loud' }
    expect(faultOf(() => resolveSettings({}, environment, {}))).toMatchObject({
      code: 'CONFIG_INVALID',
      exit: 78,
      message:
        'CERTFERRY_ENDPOINT: http:// is refused except to this machine itself: use https://\n' +
        'CERTFERRY_LOG_LEVEL: expected one of trace, debug, info, warn, error, silent, not "loud"',
    })
    expect(faultOf(() => resolveSettings({ endpoint: 'evil' }, environment, {})).message).toMatch(
      /^--endpoint: expected a URL/,
    )
  })
})

describe('resolvePaths', () => {
  test('paths are relative to the file, or to the home of the user', () => {
    const config: Config = {
      upload: { key_password_file: '../password' },
      certificate: [{ match: '*', key_password_file: '~/password' }],
      state: { dir: 'state' },
      source: [
        { kind: 'acme.sh', path: '~/.acme.sh', key_password_file: 'p' },
        { kind: 'pem', name: 'n', chain: './a/../chain.pem', key: '/abs/key.pem' },
      ],
    }
    expect(resolvePaths(config, '/etc/certferry', '/home/me')).toEqual({
      upload: { key_password_file: '/etc/password' },
      certificate: [{ match: '*', key_password_file: '/home/me/password' }],
      state: { dir: '/etc/certferry/state' },
      source: [
        { kind: 'acme.sh', path: '/home/me/.acme.sh', key_password_file: '/etc/certferry/p' },
        { kind: 'pem', name: 'n', chain: '/etc/certferry/chain.pem', key: '/abs/key.pem' },
      ],
    })
  })

  test('a tilde is the home only before a slash', () => {
    const dir = (text: string) => resolvePaths({ state: { dir: text } }, '/base', '/home/me').state?.dir
    expect([dir('~x'), dir('a/~/b'), dir('~/')]).toEqual(['/base/~x', '/base/a/~/b', '/home/me'])
  })

  test('values that are no paths stay as they are', () => {
    const config: Config = { tencent: { endpoint: 'https://x.example' }, log: { level: 'info' } }
    expect(resolvePaths(config, '/base', '/home')).toEqual(config)
  })
})

test.each([
  ['example.com', 'example.com', true],
  ['example.com', 'example.community', false],
  ['example.com', 'exampleXcom', false],
  ['*', '', true],
  ['*', 'anything:at/all\n', true],
  ['*.example.com', 'www.example.com', true],
  ['*.example.com', 'example.com', false],
  ['*.example.com_ecc', '*.example.com_ecc', true],
  ['certbot:shop-*', 'certbot:shop-1.example.com', true],
  ['certbot:shop-*', 'acme.sh:shop-1.example.com', false],
  ['shop-?', 'shop-1', true],
  ['shop-?', 'shop-12', false],
  ['shop-?', 'shop-', false],
  ['shop-?', 'shop-店', true],
  ['shop-?', 'shop-🏪', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['a**c', 'abc', true],
  ['*a', 'ba', true],
  ['*ab', 'aab', true],
  ['', '', true],
  ['', 'a', false],
  ['[ab](c)|{d}+^$\\', '[ab](c)|{d}+^$\\', true],
  ['[ab]', 'a', false],
  ['EXAMPLE.com', 'example.com', false],
])('isMatch(%j, %j) is %j', (pattern, name, expected) => {
  expect(isMatch(pattern, name)).toBe(expected)
})

describe('isMatch', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.', '店'), maxLength: 8 })

  test('isMatch decides as the regular expression would', () => {
    fc.assert(
      fc.property(word, word, (pattern, name) => {
        const source = pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')
        expect(isMatch(pattern, name)).toBe(new RegExp(`^${source}$`, 'su').test(name))
      }),
      { numRuns: 2_000 },
    )
  })

  test('isMatch takes little time, however many asterisks almost fit', () => {
    const spent = processorTime(() => {
      expect(isMatch(`${'*a'.repeat(30)}*b`, 'a'.repeat(255))).toBe(false)
    })
    expect(spent).toBeLessThan(3_000)
  })
})

test('lineages of one source with the same tables share their settings, others do not', () => {
  const { forLineage } = resolveSettings({}, {}, { certificate: [{ match: 'b*', alias: 'b' }] })
  const keys = {}
  const [a, other, b, elsewhere] = [
    forLineage('certbot:a', 'a', keys),
    forLineage('certbot:c', 'c', keys),
    forLineage('certbot:b', 'b', keys),
    forLineage('certbot:a', 'a', { alias: 'x' }),
  ]
  expect(other).toBe(a)
  expect([a.upload.alias, b.upload.alias, elsewhere.upload.alias]).toEqual([DEFAULT_ALIAS, 'b', 'x'])
})
