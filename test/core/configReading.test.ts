import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/core/configReading.ts'

const problems = (input: unknown): readonly string[] => {
  const reading = readConfig(input)
  return 'problems' in reading ? reading.problems : []
}

describe('an unknown key is an error', () => {
  const source = { kind: 'certbot', path: '/x' }
  test.each([
    ['at the top', { sweeep: 1 }, 'sweeep'],
    ['in tencent', { tencent: { rate: 10 } }, 'tencent.rate'],
    ['in upload', { upload: { kind: 'x' } }, 'upload.kind'],
    ['in a source', { source: [source, { ...source, Path: 'x' }] }, 'source[2].Path'],
    ['for a certificate', { certificate: [{ match: '*', path: 'x' }] }, 'certificate[1].path'],
    ['in log', { log: { file: 'x' } }, 'log.file'],
    ['in state', { state: { path: 'x' } }, 'state.path'],
    ['named like a member of every object', { constructor: 1 }, 'constructor'],
  ])('%s', (_, input, key) => {
    expect(problems(input)).toEqual([`${key}: unknown key`])
  })

  test('secrets have no key of their own: they never stand in the file', () => {
    expect(problems({ tencent: { secret_id: 'x', secret_key: 'y' } })).toEqual([
      'tencent.secret_id: unknown key',
      'tencent.secret_key: unknown key',
    ])
  })
})

test('everything wrong with a file is said at once, each by its key', () => {
  const input = {
    sweeep: 1,
    colour: 'blue',
    tencent: { endpoint: 'http://evil.com', language: 'fr', speed: 3, pace: 4 },
    upload: { use: 'clb', tags: { team: 7 }, labels: {} },
    source: [
      { path: '/x', reload: 'nginx' },
      { kind: 'pem', project_id: 'seven', path: '/x' },
      'certbot',
      { kind: 'acme.sh', path: '', Name: 'x', NAME: 'y' },
    ],
    certificate: [{ use: 'CDN' }, { match: '', repeatable: 1 }],
    log: { level: 'loud' },
    state: 'here',
  }
  expect([...problems(input)].sort()).toEqual(
    [
      'colour: unknown key',
      'log.level: expected one of "trace", "debug", "info", "warn", "error", "silent"',
      'certificate[1].match: missing',
      "certificate[2].match: expected a lineage's name or pattern, not an empty string",
      'certificate[2].repeatable: expected true or false',
      'source[1].kind: missing',
      'source[1].reload: unknown key',
      'source[2].chain: missing: a source of kind "pem" needs it',
      'source[2].name: missing: a source of kind "pem" needs it',
      'source[2].path: not for a source of kind "pem"',
      'source[2].project_id: expected a whole number',
      'source[3]: expected a table',
      'source[4].NAME: unknown key',
      'source[4].Name: unknown key',
      'source[4].path: expected a path, not an empty string',
      'state: expected a table',
      'sweeep: unknown key',
      'tencent.endpoint: http:// is refused except to this machine itself: use https://',
      'tencent.language: expected one of "en-US", "zh-CN"',
      'tencent.pace: unknown key',
      'tencent.speed: unknown key',
      "upload.tags.team: expected the tag's value in quotes",
      'upload.labels: unknown key',
      'upload.use: expected a product in capitals, such as "CLB", "CDN", "WAF", "LIVE" or "DDOS"',
    ].sort(),
  )
})

test('a key is complained of once', () => {
  expect(problems({ tencent: { endpoint: '', region: '' } })).toEqual([
    'tencent.endpoint: expected a URL, not an empty string',
    'tencent.region: expected text, not an empty string',
  ])
})

test('the input is left as it was', () => {
  const input = { sweeep: 1, tencent: { pace: 1 } }
  readConfig(input)
  expect(input).toEqual({ sweeep: 1, tencent: { pace: 1 } })
})

test('a problem never quotes the value: it could be a secret in the wrong place', () => {
  const text = 'AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE'
  const keys = ['endpoint', 'region', 'language', 'rate_per_second', 'proxy', 'secret_key']
  const said = problems({ tencent: Object.fromEntries(keys.map(key => [key, `x://u:${text}@h/`])) })
  expect(said).toHaveLength(keys.length)
  expect(said.join()).not.toContain(text)
})

describe('a file that is none of ours is refused in a moment', () => {
  test('ten thousand unknown keys: the first fifty are said', () => {
    const input = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i]))
    const said = problems(input)
    expect(said).toHaveLength(51)
    expect([said[0], said.at(-1)]).toEqual(['k0: unknown key', 'more is wrong; these are the first 50'])
  })

  test('a key of half a million parts', () => {
    let input: object = {}
    for (let depth = 0; depth < 500_000; depth++) input = { a: input }
    expect(problems(input)).toEqual(['a: unknown key'])
    expect(problems({ upload: { tags: input } })).toEqual([
      "upload.tags.a: expected the tag's value in quotes",
    ])
  })
})
