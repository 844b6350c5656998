import { beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/certificate/bundle.ts'
import type { Config } from '../../src/config/schema.ts'
import { resolveSettings, type UploadSettings } from '../../src/config/settings.ts'
import { aliasProblem, DEFAULT_ALIAS } from '../../src/config/values.ts'
import { Fault } from '../../src/errors.ts'
import {
  aliasOf,
  existingOf,
  settingsDigest,
  uploadedOf,
  uploadParameters,
} from '../../src/tencent/uploadRequest.ts'
import { caCertificate, encrypted, issue, type Pair } from '../fixtures/certificates.ts'
import { faultOf, proven, SETTINGS } from '../fixtures/samples.ts'

let pair: Pair
let bundle: Bundle
let authority: Bundle
beforeAll(async () => {
  pair = await issue({ names: ['example.com'], notAfter: new Date('2031-02-03T04:05:06Z') })
  bundle = proven(pair.chain, pair.key)
  authority = proven(await caCertificate())
})

const body = (changes: Partial<UploadSettings> = {}, of = bundle) =>
  uploadParameters(of, { ...SETTINGS, ...changes }, 'example.com_ecc')

describe('the parameters of UploadCertificate', () => {
  test('of a pair without settings', () => {
    expect(body()).toEqual({
      CertificatePublicKey: pair.chain,
      CertificatePrivateKey: pair.key,
      Alias: 'example.com_ecc 2031-02-03',
      CertificateType: 'SVR',
      Repeatable: false,
    })
  })

  test('of a pair with all settings have their documented types', () => {
    const all: Partial<UploadSettings> = {
      type: 'SVR',
      alias: '{domain}: 证书 é',
      projectId: 1_234_567,
      use: 'CLB',
      tags: [
        ['team', 'web'],
        ['env', ''],
      ],
      repeatable: true,
    }
    expect(body(all)).toEqual({
      CertificatePublicKey: pair.chain,
      CertificatePrivateKey: pair.key,
      Alias: 'example.com: 证书 é',
      CertificateType: 'SVR',
      ProjectId: 1_234_567,
      CertificateUse: 'CLB',
      Tags: [
        { TagKey: 'team', TagValue: 'web' },
        { TagKey: 'env', TagValue: '' },
      ],
      Repeatable: true,
    })
  })

  test('include project 0 and no empty alias', () => {
    expect(body({ projectId: 0 })).toHaveProperty('ProjectId', 0)
    expect(body({ alias: '' })).not.toHaveProperty('Alias')
  })

  test('of an encrypted key include its password', () => {
    const locked = body({}, proven(pair.chain, encrypted(pair.key, 'öpens "it"'), 'öpens "it"'))
    expect(locked.KeyPassword).toBe('öpens "it"')
    expect(locked.CertificatePrivateKey).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
  })

  test('of a CA certificate have no key', () => {
    expect(body({ type: 'SVR' }, authority)).toEqual({
      CertificatePublicKey: authority.chainPem,
      Alias: expect.stringMatching(/^example.com_ecc \d{4}-/),
      CertificateType: 'CA',
      Repeatable: false,
    })
  })

  test('of a pair have the type CA if it is configured', () => {
    expect(body({ type: 'CA' }).CertificateType).toBe('CA')
  })
})

describe('the alias', () => {
  const values = { name: 'example.com_ecc', domain: '*.example.com', notAfter: '2026-05-02' }

  test.each([
    [DEFAULT_ALIAS, 'example.com_ecc 2026-05-02'],
    ['{domain} ({name}) until {notAfter}', '*.example.com (example.com_ecc) until 2026-05-02'],
    ['{name}/{name}', 'example.com_ecc/example.com_ecc'],
    ['证书 {domain}', '证书 *.example.com'],
    ['', ''],
    ['{', '{'],
  ])('of the template %j is %j', (template, alias) => {
    expect([aliasProblem(template), aliasOf(template, values)]).toEqual([undefined, alias])
  })

  test('keeps a name that looks like a field or a replacement', () => {
    const odd = { name: '{domain}', domain: '{name}', notAfter: '$& $1 $$' }
    expect(aliasOf('{name}|{domain}|{notAfter}', odd)).toBe('{domain}|{name}|$& $1 $$')
  })

  test('is cut after 200 characters, never inside one; a longer template is refused', () => {
    const cut = aliasOf('x{name}', { ...values, name: '🏪'.repeat(300) })
    expect([...cut]).toHaveLength(200)
    expect(cut.isWellFormed()).toBe(true)
    expect(aliasProblem('店'.repeat(200))).toBeUndefined()
    expect(aliasProblem('x'.repeat(201))).toBe('expected at most 200 characters')
  })

  test.each(['{date}', '{}', '{Name}', '{ name }', '{constructor}'])('has no field %s', field => {
    expect(aliasProblem(`{name} ${field}`)).toBe(
      `unknown field ${field}: the fields are {name}, {domain} and {notAfter}`,
    )
  })
})

describe('the digest of the upload settings', () => {
  const digest = (changes: Partial<UploadSettings> = {}, of = bundle) =>
    settingsDigest(of, { ...SETTINGS, ...changes })

  test.each<readonly [string, Partial<UploadSettings>]>([
    ['alias', { alias: 'other' }],
    ['project', { projectId: 0 }],
    ['use', { use: 'CDN' }],
    ['tags', { tags: [['a', 'b']] }],
    ['repeatable', { repeatable: true }],
    ['type', { type: 'CA' }],
    ['region', { service: { ...SETTINGS.service, region: 'ap-singapore' } }],
    ['endpoint', { service: { ...SETTINGS.service, endpoint: 'https://ssl.intl.tencentcloudapi.com' } }],
    ['language', { service: { ...SETTINGS.service, language: 'zh-CN' } }],
  ])('differs with another %s', (_, changes) => {
    expect(digest(changes)).not.toBe(digest())
  })

  test('differs between plain and encrypted keys and between passwords', () => {
    const locked = (password: string) =>
      digest({}, proven(pair.chain, encrypted(pair.key, password), password))
    expect(locked('a')).not.toBe(digest())
    expect(locked('a')).not.toBe(locked('b'))
    expect(locked('a')).toBe(locked('a'))
    expect(digest()).toMatch(/^[0-9a-f]{16}$/)
  })

  test('is the same for a default that is written out', () => {
    expect(digest({ type: 'SVR' })).toBe(digest())
  })
})

describe('the certificate ID of a reply', () => {
  const replied = (fields: Record<string, unknown>) => uploadedOf({ requestId: 'r-1', fields })
  const empties = [undefined, null, '', 0, 7, false, [], {}]

  test('is CertificateId', () => {
    for (const RepeatCertId of empties)
      expect(replied({ CertificateId: 'a92b1Z1i', RepeatCertId })).toEqual({
        certificateId: 'a92b1Z1i',
        requestId: 'r-1',
        reused: false,
      })
  })

  test('is marked as reused with RepeatCertId', () => {
    expect(replied({ CertificateId: 'a92b1Z1i', RepeatCertId: 'a92b1Z1i' }).reused).toBe(true)
    expect(replied({ CertificateId: 'new', RepeatCertId: 'old' })).toMatchObject({
      certificateId: 'new',
      reused: true,
    })
  })

  test('is RepeatCertId without a CertificateId', () => {
    for (const CertificateId of empties)
      expect(replied({ CertificateId, RepeatCertId: 'old' })).toMatchObject({
        certificateId: 'old',
        reused: true,
      })
  })

  test('is missing without both', () => {
    for (const CertificateId of empties)
      for (const RepeatCertId of empties)
        expect(faultOf(() => replied({ CertificateId, RepeatCertId }))).toMatchObject({
          code: 'REPLY_UNREADABLE',
          retry: 'backoff',
          requestId: 'r-1',
          message: 'the service reported success but named no certificate ID',
        })
  })

  test.each([
    'id\u001b[31m',
    'two ids',
    'id\nnext line',
    '$(reboot)',
    '../../etc/passwd',
    'x'.repeat(129),
    7,
    ['id'],
    { id: 1 },
  ])('is not %j', id => {
    expect(faultOf(() => replied({ CertificateId: id })).code).toBe('REPLY_UNREADABLE')
    expect(faultOf(() => replied({ RepeatCertId: id })).code).toBe('REPLY_UNREADABLE')
  })

  test('of an existing certificate is RepeatCertId, or the fault is thrown', () => {
    const exists = new Fault('API_EXISTS', 'it exists')
    expect(existingOf({ requestId: 'r-2', fields: { RepeatCertId: 'old' } }, exists)).toEqual({
      certificateId: 'old',
      requestId: 'r-2',
      reused: true,
    })
    for (const RepeatCertId of empties)
      expect(faultOf(() => existingOf({ requestId: 'r-2', fields: { RepeatCertId } }, exists))).toBe(exists)
  })
})

describe('what a lineage is uploaded with', () => {
  const [ID, NAME] = ['certbot:shop-1.example.com', 'shop-1.example.com']
  const uploadOf = (config: Config, keys = {}) =>
    resolveSettings({}, {}, config).forLineage(ID, NAME, keys).upload

  test('with nothing configured', () => {
    expect(uploadOf({})).toEqual(SETTINGS)
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
