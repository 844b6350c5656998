import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/schema.ts'
import { resolveSettings } from '../../src/config/settings.ts'

describe('what a lineage is uploaded with', () => {
  const [ID, NAME] = ['certbot:shop-1.example.com', 'shop-1.example.com']
  const uploadOf = (config: Config, keys = {}) =>
    resolveSettings({}, {}, config).forLineage(ID, NAME, keys).upload

  test('with nothing configured', () => {
    expect(uploadOf({})).toEqual({
      type: undefined,
      alias: '{name} {notAfter}',
      projectId: undefined,
      use: undefined,
      tags: [],
      repeatable: false,
      keyPasswordFile: undefined,
      service: { endpoint: 'https://ssl.tencentcloudapi.com', region: undefined, language: 'en-US' },
    })
  })

  /** Every key of [upload] with three values: for all, for the source, for the override. */
  const KEYS = [
    ['type', 'type', ['SVR', 'CA', 'SVR']],
    ['alias', 'alias', ['a', 'b', '']],
    ['project_id', 'projectId', [1, 2, 0]],
    ['certificate_use', 'use', ['CLB', 'CDN', 'WAF']],
    ['repeatable', 'repeatable', [true, false, true]],
    ['key_password_file', 'keyPasswordFile', ['/a', '/b', '/c']],
  ] as const

  test.each(KEYS)('%s: override over source over [upload]', (key, member, [all, source, override]) => {
    const upload = { [key]: all } as Config['upload']
    const matching = [{ match: '*', [key]: override }] as Config['certificate']
    expect(uploadOf({ upload })[member]).toBe(all)
    expect(uploadOf({ upload }, { [key]: source })[member]).toBe(source)
    expect(uploadOf({ upload, certificate: matching }, { [key]: source })[member]).toBe(override)
    expect(uploadOf({ upload, certificate: matching })[member]).toBe(override)
  })

  test('tags are one value: the nearer table replaces the other', () => {
    expect(uploadOf({ upload: { tags: { a: '1', b: '2' } } }).tags).toEqual([
      ['a', '1'],
      ['b', '2'],
    ])
    expect(uploadOf({ upload: { tags: { a: '1' } } }, { tags: { c: '3' } }).tags).toEqual([['c', '3']])
    expect(uploadOf({ upload: { tags: { a: '1' } }, certificate: [{ match: '*', tags: {} }] }).tags).toEqual(
      [],
    )
  })

  test('a pattern means the name with or without its kind; of several that match the last counts', () => {
    const using = (...patterns: readonly string[]) =>
      uploadOf({ certificate: patterns.map((match, i) => ({ match, certificate_use: `U${i}` })) }).use
    expect(using('shop-*')).toBe('U0')
    expect(using('certbot:shop-?.example.com')).toBe('U0')
    expect(using('*', 'shop-*', 'certbot:*')).toBe('U2')
    expect(using('*', 'acme.sh:*', 'shop')).toBe('U0')
    expect(using('shop')).toBeUndefined()
  })

  test('several that match each add their keys', () => {
    const override = [
      { match: '*', certificate_use: 'CLB', project_id: 7 },
      { match: 'shop-*', certificate_use: 'CDN' },
    ]
    expect(uploadOf({ certificate: override })).toMatchObject({ use: 'CDN', projectId: 7 })
  })

  test('the keys of a source in the file come along with it', () => {
    const settings = resolveSettings(
      {},
      {},
      {
        source: [
          { kind: 'certbot', path: '/x', certificate_use: 'CLB', tags: { a: 'b' } },
          { kind: 'pem', name: 'n', chain: 'c', key: 'k', project_id: 0 },
          { kind: 'pem', name: 'ca', chain: 'c' },
        ],
      },
    )
    expect(settings.sources).toEqual([
      { kind: 'certbot', path: '/x', keys: { certificate_use: 'CLB', tags: { a: 'b' } } },
      { kind: 'pem', name: 'n', chain: 'c', key: 'k', keys: { project_id: 0 } },
      { kind: 'pem', name: 'ca', chain: 'c', key: undefined, keys: {} },
    ])
  })
})
