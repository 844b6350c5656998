import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { configJson, configToml, type EffectiveConfig, effectiveRows } from '../../src/config/print.ts'
import type { Config } from '../../src/config/schema.ts'
import { type Options, resolveSettings, type Settings } from '../../src/config/settings.ts'
import { parseToml } from '../../src/config/toml.ts'
import { keysAt, readConfig } from '../../src/config/validate.ts'
import { KINDS, LANGUAGES, LEVELS, NOTIFY_EVENTS } from '../../src/config/values.ts'

const NOTHING: EffectiveConfig = { options: {}, env: {}, config: {}, elsewhere: undefined }
const WORDING = { file: '/etc/c.toml', positionOf: () => ({ line: 7, column: 1 }) }

const text = fc
  .string({ unit: 'grapheme', minLength: 1 })
  .filter(one => one.trim() === one && one.isWellFormed())
const path = text.map(one => `/${one}`)
const sparse = <T>(entries: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(entries, { requiredKeys: [] })
const upload = {
  project_id: fc.nat(),
  certificate_use: fc.constantFrom('CDN', 'CLB'),
  tags: fc.dictionary(
    // no tag is called as every object's own members are: such a configuration is refused
    fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 9 })
      .filter(name => !['__proto__', 'prototype'].includes(name)),
    fc.string({ maxLength: 9 }),
  ),
  repeatable: fc.boolean(),
  key_password_file: path,
}
const source = fc.oneof(
  fc.record(
    { kind: fc.constantFrom(...KINDS.slice(0, 2)), path, ...upload },
    { requiredKeys: ['kind', 'path'] },
  ),
  fc.record({ kind: fc.constant('pem'), name: fc.constantFrom('a', 'ü'), chain: path, key: path }),
)
const config = sparse({
  tencent: sparse({
    rate_per_second: fc.constantFrom(0.1, 7),
    language: fc.constantFrom(...LANGUAGES),
    profile: text,
  }),
  upload: sparse(upload),
  source: fc.array(source, { maxLength: 3 }),
  certificate: fc.array(
    fc.record(
      { match: fc.oneof(fc.constant('*'), text), exclude: fc.boolean(), ...upload },
      { requiredKeys: ['match'] },
    ),
    { maxLength: 2 },
  ),
  watch: sparse({ rescan_jitter: fc.nat(), rescan: text }),
  notify: sparse({ events: fc.subarray([...NOTIFY_EVENTS]), command: path, webhook_file: path }),
  log: sparse({ level: fc.constantFrom(...LEVELS) }),
  state: sparse({ dir: path }),
}) as fc.Arbitrary<Config>
const options = sparse({
  stateDir: path,
  rate: fc.integer({ min: 1, max: 9 }),
  logLevel: fc.constantFrom(...LEVELS),
}) as fc.Arbitrary<Options>
const env = sparse({ CERTFERRY_LOG_LEVEL: fc.constantFrom(...LEVELS), CERTFERRY_STATE_DIR: path })

const plain = ({ forLineage, isExcluded: isSkipped, unmatched, ...settings }: Settings) => ({
  ...settings,
  skipped: isSkipped('certbot:x'),
  unmatched: unmatched(['certbot:x']),
  uploads: settings.sources.map(({ keys }) => forLineage('certbot:x', 'x', keys)),
})

test('what is printed is a configuration that means the same', () => {
  fc.assert(
    fc.property(config, options, env, (config, options, env) => {
      const printed = configToml(effectiveRows({ ...NOTHING, config, options, env }), WORDING)
      const reading = readConfig(parseToml(printed).value)
      expect(reading.problems).toEqual([])
      const again = resolveSettings({}, {}, reading.config)
      expect(plain(again)).toEqual(plain(resolveSettings(options, env, config)))
    }),
    { numRuns: 300 },
  )
})

test('every key there is has its row, set or not', () => {
  const printed = effectiveRows(NOTHING).map(({ path }) => path.join('.'))
  const lists = ['source', 'certificate']
  const keys = keysAt([])
    .filter(table => !lists.includes(table))
    .flatMap(table => keysAt([table]).map(key => `${table}.${key}`))
  expect(printed.toSorted()).toEqual(keys.toSorted())
})

describe('each value says where it comes from', () => {
  const config: Config = { tencent: { endpoint: 'https://file.example' }, log: { level: 'warn' } }
  test.each([
    ['the default', {}, 'default'],
    ['the file, by its line', { config }, 'line 7'],
    ['the environment', { config, env: { CERTFERRY_ENDPOINT: 'https://e.example' } }, 'CERTFERRY_ENDPOINT'],
    [
      'an option',
      { config, env: { CERTFERRY_ENDPOINT: 'x' }, options: { endpoint: 'https://o.example' } },
      '--endpoint',
    ],
  ])('%s', (_, given, remark) => {
    const printed = configToml(effectiveRows({ ...NOTHING, ...given }), WORDING)
    expect(printed).toMatch(new RegExp(`^endpoint = "https://.*" +# ${remark}$`, 'm'))
  })

  test('as JSON, keys as the messages have them and lists counted from 1', () => {
    const rows = effectiveRows({ ...NOTHING, config: { source: [{ kind: 'certbot', path: '/x' }] } })
    const { file, settings } = configJson(rows, WORDING)
    expect(file).toBe('/etc/c.toml')
    expect(settings.find(({ key }) => key === 'source[1].path')).toEqual({
      key: 'source[1].path',
      value: '/x',
      origin: { from: 'file', file: '/etc/c.toml', line: 7 },
    })
    expect(settings.find(({ key }) => key === 'tencent.region')).toMatchObject({ value: null })
  })
})

describe('a login of the proxy is never printed', () => {
  test.each<[string, Partial<EffectiveConfig>, string]>([
    ['of the file', { config: { tencent: { proxy: 'http://me:hush@p:1' } } }, 'http://[secret]@p:1'],
    ['with a slip in it', { config: { tencent: { proxy: 'http://hush@me@p:1' } } }, 'http://[secret]@p:1'],
    ['with a slash in it', { env: { HTTPS_PROXY: 'http://me:p/hush@p:1' } }, 'http://[secret]@p:1'],
    ['of HTTPS_PROXY', { env: { HTTPS_PROXY: 'http://hush@p:1' } }, 'http://[secret]@p:1'],
    ['of https_proxy without a scheme', { env: { https_proxy: 'me:hush@p:1' } }, 'http://[secret]@p:1'],
  ])('%s', (_, given, shown) => {
    const rows = effectiveRows({ ...NOTHING, ...given })
    const printed = configToml(rows, WORDING) + JSON.stringify(configJson(rows, WORDING))
    expect(printed).toContain(`proxy = "${shown}"`)
    expect(printed).not.toContain('hush')
  })
})
