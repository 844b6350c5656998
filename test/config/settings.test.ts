import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/schema.ts'
import { type Options, resolvePaths, resolveSettings, type Settings } from '../../src/config/settings.ts'
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

describe('option over environment over file over default', () => {
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
  ])('%s', (_, options, environment, file, expected) => {
    expect(inForce(resolveSettings(options, environment, file))).toEqual(expected)
  })

  test('an empty variable says nothing', () => {
    const empty = Object.fromEntries(Object.keys(ENVIRONMENT).map(name => [name, '']))
    expect(inForce(resolveSettings({}, empty, FILE))).toEqual(inForce(resolveSettings({}, {}, FILE)))
  })

  test('what only the file can say', () => {
    expect(resolveSettings({}, {}, {})).toMatchObject({
      region: undefined,
      language: 'en-US',
      profile: undefined,
      proxy: undefined,
    })
    const tencent = { region: 'ap-beijing', language: 'zh-CN', profile: 'p', proxy: 'http://proxy' } as const
    expect(resolveSettings({}, {}, { tencent })).toMatchObject(tencent)
  })
})

describe('values of the environment and of options are checked too', () => {
  test('all at once, each by where it came from', () => {
    const environment = { CERTFERRY_ENDPOINT: 'http://evil.com', CERTFERRY_LOG_LEVEL: 'loud' }
    expect(faultOf(() => resolveSettings({}, environment, {}))).toMatchObject({
      code: 'CONFIG_INVALID',
      exit: 78,
      message:
        'CERTFERRY_ENDPOINT: http:// is refused except to this machine itself: use https://\n' +
        'CERTFERRY_LOG_LEVEL: expected one of trace, debug, info, warn, error, silent',
    })
    expect(faultOf(() => resolveSettings({ endpoint: 'evil' }, environment, {})).message).toMatch(
      /^--endpoint: expected a URL/,
    )
  })
})

describe('paths of the file', () => {
  test('are relative to it, or to the home of the user', () => {
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

  test('what is no path stays as it is', () => {
    const config: Config = { tencent: { endpoint: 'https://x.example' }, log: { level: 'info' } }
    expect(resolvePaths(config, '/base', '/home')).toEqual(config)
  })
})
