import { describe, expect, test } from 'vitest'
import { parseToml } from '../../src/config/toml.ts'
import { readConfig } from '../../src/config/validate.ts'
import { problemText } from '../../src/config/values.ts'

const problems = (input: unknown): readonly string[] => readConfig(input).problems.map(problemText)

describe('an unknown key is an error, and the key that was meant or those there are are named', () => {
  const source = { kind: 'certbot', path: '/x' }
  const top = 'tencent, upload, deploy, source, certificate, watch, http, notify, log, state'
  const ofUpload = 'type, alias, project_id, certificate_use, tags, repeatable, key_password_file'
  const ofDeploy =
    'replace, replaces, verify, types, except, allow_uncovered, allow_untrusted, retire, grace_days, keep'
  test.each([
    ['at the top', { sweeep: 1 }, 'sweeep', `expected one of ${top}`],
    ['with a letter too many', { tencennt: {} }, 'tencennt', 'did you mean tencent?'],
    [
      'with two letters that changed places',
      { tencent: { regoin: 'x' } },
      'tencent.regoin',
      'did you mean region?',
    ],
    ['that is only begun', { tencent: { rate: 10 } }, 'tencent.rate', 'did you mean rate_per_second?'],
    ['in upload', { upload: { kind: 'x' } }, 'upload.kind', `expected one of ${ofUpload}`],
    ['in a source', { source: [source, { ...source, Path: 'x' }] }, 'source[2].Path', 'did you mean path?'],
    [
      'for a certificate',
      { certificate: [{ match: '*', path: 'x' }] },
      'certificate[1].path',
      `expected one of match, exclude, ${ofUpload}, ${ofDeploy}`,
    ],
    ['in log', { log: { file: 'x' } }, 'log.file', 'expected one of level, format'],
    ['in state', { state: { directory: 'x' } }, 'state.directory', 'expected one of dir'],
    ['with a dash', { upload: { 'project-id': 1 } }, 'upload.project-id', 'did you mean project_id?'],
    ['named like a member of every object', { constructor: 1 }, 'constructor', `expected one of ${top}`],
  ])('%s', (_, input, key, hint) => {
    expect(problems(input)).toEqual([`${key}: unknown key: ${hint}`])
  })

  test.each([
    [{ tencent: { role: true } }, 'tencent.role: this key is now called instance_role'],
    [{ upload: { use: 'CLB' } }, 'upload.use: this key is now called certificate_use'],
    [{ source: [{ ...source, use: 'CLB' }] }, 'source[1].use: this key is now called certificate_use'],
    [
      { certificate: [{ match: '*', use: 'CLB' }] },
      'certificate[1].use: this key is now called certificate_use',
    ],
    [{ certificate: [{ match: '*', skip: true }] }, 'certificate[1].skip: this key is now called exclude'],
    [{ watch: { sweep: '* * * * *' } }, 'watch.sweep: this key is now called rescan'],
    [{ watch: { jitter_seconds: 1 } }, 'watch.jitter_seconds: this key is now called rescan_jitter'],
    [{ notify: { on: ['uploaded'] } }, 'notify.on: this key is now called events'],
    [{ notify: { events: ['stopped'] } }, 'notify.events[1]: this event is now called uploads_paused'],
    [
      { notify: { events: ['uploaded', 'expiring'] } },
      'notify.events[2]: this event is now called renewal_overdue',
    ],
  ])('a former key name is an error that names the new one: %j', (input, message) => {
    expect(problems(input)).toEqual([message])
  })

  test('secrets have no key of their own: they never stand in the file', () => {
    expect(problems({ tencent: { secret_id: 'x', secretKey: 'y', token: 'z' } })).toEqual(
      ['secret_id', 'secretKey', 'token'].map(
        key => `tencent.${key}: unknown key: secrets never stand in this file`,
      ),
    )
  })
})

test('everything wrong with a file is said at once, each by its key', () => {
  const input = {
    sweeep: 1,
    colour: 'blue',
    tencent: { endpoint: 'http://evil.com', language: 'fr', speed: 3, pace: 4 },
    upload: { certificate_use: 'clb', tags: { team: 7 }, labels: {} },
    source: [
      { path: '/x', reload: 'nginx' },
      { kind: 'pem', project_id: 'seven', path: '/x' },
      'certbot',
      { kind: 'acme.sh', path: '', Name: 'x', NAME: 'y' },
    ],
    certificate: [{ certificate_use: 'CDN' }, { match: '', repeatable: 1 }],
    log: { level: 'loud' },
    state: 'here',
  }
  const said = problems(input).map(problem => problem.replace(/(unknown key): .*/, '$1'))
  expect(said.sort()).toEqual(
    [
      'colour: unknown key',
      'log.level: expected one of "trace", "debug", "info", "warn", "error", "silent", not "loud"',
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
      'tencent.language: expected one of "en-US", "zh-CN", not "fr"',
      'tencent.pace: unknown key',
      'tencent.speed: unknown key',
      "upload.tags.team: expected the tag's value in quotes",
      'upload.labels: unknown key',
      'upload.certificate_use: expected a product in capitals, such as "CLB", "CDN", "WAF", "LIVE" or "DDOS"',
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
    expect(said[0]).toMatch(/^k0: unknown key/)
    expect(said.at(-1)).toBe('more is wrong; these are the first 50')
  })

  test('a key of half a million parts', () => {
    let input: object = {}
    for (let depth = 0; depth < 500_000; depth++) input = { a: input }
    expect(problems(input)).toEqual([expect.stringMatching(/^a: unknown key/)])
    expect(problems({ upload: { tags: input } })).toEqual([
      "upload.tags.a: expected the tag's value in quotes",
    ])
  })
})

describe('what is left of a file with mistakes', () => {
  test('is all that is right in it; half of an entry in a list is another, and goes as a whole', () => {
    const reading = readConfig({
      sweeep: 1,
      tencent: { endpoint: 'http://evil.com', region: 'ap-x' },
      upload: { tags: { team: 7, env: 'live' }, certificate_use: 'clb' },
      source: [
        { kind: 'certbot', path: '/x', project_id: 'seven' },
        { kind: 'certbot', path: '/y', colour: 1 },
        'certbot',
        { kind: 'pem', path: '/x' },
      ],
      certificate: [{ certificate_use: 'CDN' }, { match: 'x' }],
      notify: { events: ['uploaded', 'often'], command: '/x' },
      state: 'here',
    })
    expect(reading.config).toEqual({
      tencent: { region: 'ap-x' },
      upload: { tags: { env: 'live' } },
      source: [{ kind: 'certbot', path: '/y' }],
      certificate: [{ match: 'x' }],
      notify: { events: ['uploaded'], command: '/x' },
    })
  })

  test.each([[7], [null], ['text'], [[]]])('is nothing where the file is no table: %j', input => {
    expect(readConfig(input)).toMatchObject({
      problems: [{ key: 'file', says: 'expected a table' }],
      config: {},
    })
  })
})

test('every problem has its line; what is missing has that of its table', () => {
  const text = '[tencent]\nregoin = 1\n\n[[source]]\nkind = "pem"\nname = "a b"\n[log]\nlevel = "loud"\n'
  const { value, positionOf } = parseToml(text)
  const reading = readConfig(value, positionOf)
  expect(reading.problems.map(({ key, position }) => [key, position?.line]).sort()).toEqual([
    ['log.level', 8],
    ['source[1].chain', 4],
    ['source[1].name', 6],
    ['tencent.regoin', 2],
  ])
  expect(reading.problems.map(problemText)).toContain(
    'line 2, column 1: tencent.regoin: unknown key: did you mean region?',
  )
})

test.each(['__proto__', 'constructor', 'prototype'])(
  'a tag called %s is refused by its line, and never left out unsaid',
  name => {
    const text = `[upload]\ntags = { team = "web" }\n[[certificate]]\nmatch = "*"\n[certificate.tags]\n${name} = "x"\n`
    const { value, positionOf } = parseToml(text)
    const reading = readConfig(value, positionOf)
    expect(reading.problems.map(problemText)).toEqual([
      `line 6, column 1: certificate[1].tags.${name}: a tag cannot be called so here: add it in the console`,
    ])
    expect(reading.config.upload?.tags).toEqual({ team: 'web' })
  },
)
