import { beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/certificate/bundle.ts'
import type { UploadSettings } from '../../src/config/settings.ts'
import { Fault } from '../../src/errors.ts'
import { existingOf, settingsDigest, uploadedOf, uploadParameters } from '../../src/tencent/uploadRequest.ts'
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
  test('of a pair with nothing configured', () => {
    expect(body()).toEqual({
      CertificatePublicKey: pair.chain,
      CertificatePrivateKey: pair.key,
      Alias: 'example.com_ecc 2031-02-03',
      CertificateType: 'SVR',
      Repeatable: false,
    })
  })

  test('of a pair with everything configured, each of its documented type', () => {
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

  test('project 0 is a project, an empty alias is none', () => {
    expect(body({ projectId: 0 })).toHaveProperty('ProjectId', 0)
    expect(body({ alias: '' })).not.toHaveProperty('Alias')
  })

  test('an encrypted key goes with its password', () => {
    const locked = body({}, proven(pair.chain, encrypted(pair.key, 'öpens "it"'), 'öpens "it"'))
    expect(locked.KeyPassword).toBe('öpens "it"')
    expect(locked.CertificatePrivateKey).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
  })

  test('a CA certificate goes without a key, as CA', () => {
    expect(body({ type: 'SVR' }, authority)).toEqual({
      CertificatePublicKey: authority.chainPem,
      Alias: expect.stringMatching(/^example.com_ecc \d{4}-/),
      CertificateType: 'CA',
      Repeatable: false,
    })
  })

  test('a pair whose type is CA goes as the operator said', () => {
    expect(body({ type: 'CA' }).CertificateType).toBe('CA')
  })
})

describe('the digest of the settings, which tells whether a rejection still applies', () => {
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
  ])('another %s is another request', (_, changes) => {
    expect(digest(changes)).not.toBe(digest())
  })

  test('encrypted and plain are two, and so are two passwords: each stands in the request', () => {
    const locked = (password: string) =>
      digest({}, proven(pair.chain, encrypted(pair.key, password), password))
    expect(locked('a')).not.toBe(digest())
    expect(locked('a')).not.toBe(locked('b'))
    expect(locked('a')).toBe(locked('a'))
    expect(digest()).toMatch(/^[0-9a-f]{16}$/)
  })

  test('the type said and the type that follows are one request', () => {
    expect(digest({ type: 'SVR' })).toBe(digest())
  })
})

describe('the ID in the reply', () => {
  const replied = (fields: Record<string, unknown>) => uploadedOf({ requestId: 'r-1', fields })
  const nothings = [undefined, null, '', 0, 7, false, [], {}]

  test('CertificateId is it', () => {
    for (const RepeatCertId of nothings)
      expect(replied({ CertificateId: 'a92b1Z1i', RepeatCertId })).toEqual({
        certificateId: 'a92b1Z1i',
        requestId: 'r-1',
        reused: false,
      })
  })

  test('with RepeatCertId it is one the service had already', () => {
    expect(replied({ CertificateId: 'a92b1Z1i', RepeatCertId: 'a92b1Z1i' }).reused).toBe(true)
    expect(replied({ CertificateId: 'new', RepeatCertId: 'old' })).toMatchObject({
      certificateId: 'new',
      reused: true,
    })
  })

  test('RepeatCertId is it where CertificateId is absent, null or empty', () => {
    for (const CertificateId of nothings)
      expect(replied({ CertificateId, RepeatCertId: 'old' })).toMatchObject({
        certificateId: 'old',
        reused: true,
      })
  })

  test('with neither there is no success', () => {
    for (const CertificateId of nothings)
      for (const RepeatCertId of nothings)
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
  ])('%j is no ID', id => {
    expect(faultOf(() => replied({ CertificateId: id })).code).toBe('REPLY_UNREADABLE')
    expect(faultOf(() => replied({ RepeatCertId: id })).code).toBe('REPLY_UNREADABLE')
  })

  test('of a certificate that exists: what the look-up says, else the fault as it was', () => {
    const exists = new Fault('API_EXISTS', 'it exists')
    expect(existingOf({ requestId: 'r-2', fields: { RepeatCertId: 'old' } }, exists)).toEqual({
      certificateId: 'old',
      requestId: 'r-2',
      reused: true,
    })
    for (const RepeatCertId of nothings)
      expect(faultOf(() => existingOf({ requestId: 'r-2', fields: { RepeatCertId } }, exists))).toBe(exists)
  })
})
