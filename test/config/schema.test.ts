import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/schema.ts'
import { readConfig } from '../../src/config/validate.ts'
import { KINDS, problemText } from '../../src/config/values.ts'

const problems = (input: unknown): readonly string[] => readConfig(input).problems.map(problemText)
/** A value under a dotted key, as it stands in the file. */
const at = (key: string, value: unknown): unknown =>
  key.split('.').reduceRight((inner: unknown, name) => ({ [name]: inner }), value)

const EVERYTHING: Config = {
  tencent: {
    endpoint: 'https://ssl.intl.tencentcloudapi.com',
    region: 'ap-guangzhou',
    language: 'zh-CN',
    rate_per_second: 0.5,
    profile: 'production',
    proxy: 'http://proxy.example.com:3128',
  },
  upload: {
    type: 'SVR',
    alias: '{name} {domain} {notAfter}',
    project_id: 0,
    certificate_use: 'CLB',
    tags: { team: 'web', 'a.b': '' },
    repeatable: true,
    key_password_file: '/etc/password',
  },
  source: [
    { kind: 'certbot', path: '/etc/letsencrypt', certificate_use: 'CDN' },
    { kind: 'acme.sh', path: '~/.acme.sh', project_id: 7 },
    { kind: 'pem', name: 'intranet', chain: 'a.pem', key: 'b.pem', alias: '' },
    { kind: 'pem', name: 'ca', chain: 'ca.pem', type: 'CA' },
  ],
  certificate: [{ match: 'certbot:shop-*', tags: {}, repeatable: false }],
  log: { level: 'debug' },
  state: { dir: '/var/lib/certferry' },
}

test('a file with every key is taken as it stands, and so is an empty one', () => {
  expect(readConfig(EVERYTHING)).toEqual({ config: EVERYTHING, problems: [] })
  expect(readConfig({})).toEqual({ config: {}, problems: [] })
})

test('text is taken without blanks around it', () => {
  expect(readConfig({ tencent: { profile: ' a ' } })).toMatchObject({ config: { tencent: { profile: 'a' } } })
})

describe('a bad value is refused by its key', () => {
  const choice = (...choices: readonly string[]) =>
    `expected one of ${choices.map(one => `"${one}"`).join(', ')}`
  const product = 'expected a product in capitals, such as "CLB", "CDN", "WAF", "LIVE" or "DDOS"'
  const http = 'http:// is refused except to this machine itself: use https://'
  test.each<readonly [string, unknown, string]>([
    ['tencent.endpoint', 7, 'expected a URL in quotes'],
    ['tencent.endpoint', '', 'expected a URL, not an empty string'],
    ['tencent.endpoint', 'http://ssl.tencentcloudapi.com', http],
    ['tencent.region', 'Guangzhou', 'expected a region such as "ap-guangzhou"'],
    ['tencent.region', '', 'expected text, not an empty string'],
    ['tencent.language', 'en', `${choice('en-US', 'zh-CN')}, not "en"`],
    ['tencent.rate_per_second', '10', 'expected a number'],
    ['tencent.rate_per_second', Number.NaN, 'expected a number'],
    ['tencent.rate_per_second', 0, 'expected 0.1 or more'],
    ['tencent.rate_per_second', -1, 'expected 0.1 or more'],
    ['tencent.rate_per_second', Infinity, 'expected 1000 or less'],
    ['tencent.profile', ' ', "expected a profile's name, not an empty string"],
    ['tencent.proxy', 'proxy:3128', 'expected a URL such as "http://proxy.example.com:3128"'],
    ['tencent.proxy', true, 'expected a URL in quotes'],
    ['upload.type', 'svr', '"svr" is unknown: did you mean "SVR"?'],
    ['upload.type', 'x'.repeat(21), choice('SVR', 'CA')],
    ['upload.alias', 7, 'expected text in quotes'],
    ['upload.alias', '{date}', 'unknown field {date}: the fields are {name}, {domain} and {notAfter}'],
    ['upload.alias', 'x'.repeat(201), 'expected at most 200 characters'],
    ['upload.project_id', '7', 'expected a whole number'],
    ['upload.project_id', 1.5, 'expected a whole number'],
    ['upload.project_id', -1, 'expected 0 or more'],
    ['upload.certificate_use', 'clb', product],
    ['upload.certificate_use', 'C'.repeat(33), product],
    ['upload.tags', ['web'], 'expected a table, such as { team = "web" }'],
    ['upload', [], 'expected a table'],
    ['log', new Date(0), 'expected a table'],
    ['tencent.endpoint', ['https://x.example'], 'expected a URL in quotes'],
    ['upload.tags', 'a', 'expected a table, such as { team = "web" }'],
    ['upload.repeatable', 'no', 'expected true or false'],
    ['upload.repeatable', 0, 'expected true or false'],
    ['upload.key_password_file', '', 'expected a path, not an empty string'],
    ['source', { kind: 'certbot' }, 'expected [[source]] tables'],
    ['certificate', 'x', 'expected [[certificate]] tables'],
    ['log.level', 'verbose', `${choice('trace', 'debug', 'info', 'warn', 'error', 'silent')}, not "verbose"`],
    ['state.dir', 7, 'expected a path in quotes'],
    ['tencent', 7, 'expected a table'],
    ['log', 'debug', 'expected a table'],
  ])('%s = %j', (key, value, problem) => {
    expect(problems(at(key, value))).toEqual([`${key}: ${problem}`])
  })

  test('tags, each by its own key', () => {
    const tags = { '': 'x', ['k'.repeat(128)]: 'x', team: 7, env: 'x'.repeat(256) }
    expect(problems({ upload: { tags } })).toEqual([
      'upload.tags.: expected a tag key',
      `upload.tags.${'k'.repeat(128)}: expected at most 127 characters`,
      "upload.tags.team: expected the tag's value in quotes",
      'upload.tags.env: expected at most 255 characters',
    ])
  })

  test.each([[[]], [7], ['text'], [null], [undefined]])('a file that is %j', input => {
    expect(problems(input)).toEqual(['file: expected a table'])
  })
})

describe('a source says what its kind needs, and no more', () => {
  test.each<readonly [string, Record<string, unknown>, readonly string[]]>([
    ['no kind', { path: '/x' }, ['kind: missing']],
    [
      'a kind unknown',
      { kind: 'nginx', path: '/x' },
      [`kind: expected one of ${KINDS.map(kind => `"${kind}"`).join(', ')}, not "nginx"`],
    ],
    [
      'a kind with a typing error',
      { kind: 'acmesh', path: '/x' },
      ['kind: "acmesh" is unknown: did you mean "acme.sh"?'],
    ],
    [
      'Traefik with the keys of a file',
      { kind: 'traefik', path: '/x/acme.json', key: 'k' },
      ['key: not for a source of kind "traefik"'],
    ],
    [
      'a directory without a path',
      { kind: 'certbot' },
      ['path: missing: a source of kind "certbot" needs it'],
    ],
    [
      'a directory with the keys of a file',
      { kind: 'acme.sh', path: '/x', name: 'n', chain: 'c', key: 'k' },
      ['name', 'chain', 'key'].map(key => `${key}: not for a source of kind "acme.sh"`),
    ],
    [
      'a file with the key of a directory',
      { kind: 'pem', path: '/x' },
      [
        'name: missing: a source of kind "pem" needs it',
        'chain: missing: a source of kind "pem" needs it',
        'path: not for a source of kind "pem"',
      ],
    ],
    [
      'a directory of CA certificates',
      { kind: 'certbot', path: '/x', type: 'CA' },
      ['type: a CA certificate is a source of kind "pem" without a key'],
    ],
    [
      'a CA certificate with its key',
      { kind: 'pem', name: 'n', chain: 'c', key: 'k', type: 'CA' },
      ['key: a CA certificate is uploaded without its key: remove this line'],
    ],
    [
      'a server certificate without its key',
      { kind: 'pem', name: 'n', chain: 'c', type: 'SVR' },
      ['key: missing: a server certificate needs its key'],
    ],
    [
      'a name that is none',
      { kind: 'pem', name: 'a/b', chain: 'c' },
      ['name: expected a name without spaces or slashes'],
    ],
  ])('%s', (_, source, expected) => {
    expect(problems({ source: [source] })).toEqual(expected.map(problem => `source[1].${problem}`))
  })
})
