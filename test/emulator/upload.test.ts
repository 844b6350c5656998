import { createHash, X509Certificate } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Duplicates } from '../../src/emulator/certificates.ts'
import { pemOf } from '../fixtures/authority.ts'
import { authority, encrypted, issue, pkcs1, sec1, selfSigned } from '../fixtures/certificates.ts'
import { newKey, pkcs8 } from '../fixtures/keys.ts'
import { ca } from '../fixtures/samples.ts'
import { issued, openEmulator, PAIR } from './client.ts'

const { leaf, intermediate, root, chain, key } = issued
const [other, rsa, own, stranger] = await Promise.all([
  issue({ names: ['other.example.com'] }),
  issue({ kind: 'rsa2048' }),
  selfSigned(),
  authority(),
])
const expired = await issue({ notBefore: new Date('2020-01-01'), notAfter: new Date('2020-04-01') })
const pair = (certificate: string, privateKey: string) => ({
  CertificatePublicKey: certificate,
  CertificatePrivateKey: privateKey,
})
const codeFor = async (body: object) => (await (await openEmulator()).call('UploadCertificate', body)).code

test('an upload gets an ID of eight letters and digits', async () => {
  const { call } = await openEmulator()
  const { response } = await call('UploadCertificate', PAIR)
  expect(response).toEqual({
    CertificateId: expect.stringMatching(/^[A-Za-z0-9]{8}$/),
    RepeatCertId: '',
    RequestId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
  })
})

test('an upload is stored with all its parameters', async () => {
  const { call, certificates } = await openEmulator()
  const { response } = await call('UploadCertificate', {
    ...PAIR,
    CertificateType: 'SVR',
    Alias: '测试/é',
    ProjectId: 42,
    CertificateUse: 'CDN',
    Tags: [{ TagKey: 'team', TagValue: 'web' }],
  })
  expect(certificates()).toMatchObject([
    {
      id: response.CertificateId,
      type: 'SVR',
      alias: '测试/é',
      projectId: 42,
      use: 'CDN',
      tags: [{ TagKey: 'team', TagValue: 'web' }],
      names: ['a.example.com', '*.b.example.com'],
      fingerprint: createHash('sha256').update(new X509Certificate(leaf).raw).digest('hex'),
      chainPem: chain,
      notAfter: issued.notAfter,
    },
  ])
})

test('the key of an upload does not appear when stored certificates and entries are printed', async () => {
  const { call, certificates, entries } = await openEmulator()
  await call('UploadCertificate', { ...PAIR, KeyPassword: 'the password' })
  const all = [certificates(), entries]
  expect(inspect(all, { depth: 9 }) + JSON.stringify(all)).not.toMatch(/PRIVATE KEY-|the password/)
  expect(certificates()[0]?.keyPem?.reveal()).toBe(key)
})

test.each([
  ['an RSA pair', pair(rsa.chain, rsa.key)],
  ['a PKCS#1 key', pair(rsa.chain, pkcs1(rsa.key))],
  ['a SEC1 key', pair(leaf, sec1(key))],
  ['a chain up to the root', pair(chain + root, key)],
  ['a self-signed certificate', pair(own.leaf, own.key)],
  ['an expired certificate', pair(expired.chain, expired.key)],
  ['text without a newline at the end', pair(chain.trim(), key.trim())],
  ['empty lines between the blocks', pair(`${leaf}\n${intermediate}\n`, key)],
  ['the line ends of Windows', pair(chain.replaceAll('\n', '\r\n'), key)],
  ['two authorities without a key', { CertificatePublicKey: root + intermediate, CertificateType: 'CA' }],
])('accepts %s', async (_, body) => {
  expect(await codeFor(body)).toBe('OK')
})

const block = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
const sm2 = `-----BEGIN CERTIFICATE-----\n${Buffer.from('06082a811ccf5501822d', 'hex').toString('base64')}\n-----END CERTIFICATE-----\n`
test.each([
  ['text without a block', pair('PEM\n', key), 'FailedOperation.CertificateParseError'],
  ['a block that is no DER', pair(leaf + block, key), 'FailedOperation.CertificateParseError'],
  ['spaces before a line', pair(chain.replaceAll('\n', '\n '), key), 'FailedOperation.CertificateParseError'],
  ['words between the blocks', pair(`${leaf}subject=CN\n`, key), 'FailedOperation.CertificateParseError'],
  ['a byte order mark', pair(`\uFEFF${chain}`, key), 'FailedOperation.CertificateParseError'],
  ['lost newlines', pair(chain.replaceAll('\n', ' '), key), 'FailedOperation.CertificateInvalid'],
  ['a certificate in place of the key', pair(chain, leaf), 'FailedOperation.CertificateParseError'],
  [
    'a key with padded lines',
    pair(chain, key.replaceAll('\n', ' \n')),
    'FailedOperation.CertificateParseError',
  ],
  ['the key of another certificate', pair(chain, other.key), 'FailedOperation.CertificateMatchError'],
  ['no key', { CertificatePublicKey: chain }, 'InvalidParameter.MissMatchPrivateKey'],
  ['an empty key', pair(chain, ''), 'InvalidParameter.MissMatchPrivateKey'],
  ['a gap in the chain', pair(leaf + root, key), 'FailedOperation.CertificateChainError'],
  ['the leaf twice', pair(leaf + chain, key), 'FailedOperation.CertificateChainError'],
  [
    'a self-signed certificate twice',
    pair(own.leaf + own.leaf, own.key),
    'FailedOperation.CertificateChainError',
  ],
  [
    'an issuer of the same name with another key',
    pair(leaf + stranger.intermediate, key),
    'FailedOperation.CertificateChainError',
  ],
  [
    'a leaf as authority',
    { CertificatePublicKey: root + leaf, CertificateType: 'CA' },
    'FailedOperation.CertificateCaError',
  ],
  ['the curve SM2', pair(sm2, key), 'FailedOperation.CertificateEncryptInvalid'],
  ['an unknown type', { ...PAIR, CertificateType: 'svr' }, 'InvalidParameter.WithDetailReason'],
])('refuses %s', async (_, body, code) => {
  const { call, certificates } = await openEmulator()
  expect((await call('UploadCertificate', body)).code).toBe(code)
  expect(certificates()).toEqual([])
})

test('an encrypted key needs its password', async () => {
  const locked = { ...PAIR, CertificatePrivateKey: encrypted(key, 'open sesame') }
  expect(await codeFor({ ...locked, KeyPassword: 'open sesame' })).toBe('OK')
  expect(await codeFor({ ...locked, KeyPassword: 'open barley' })).toBe(
    'FailedOperation.CertificateParseError',
  )
  expect(await codeFor(locked)).toBe('FailedOperation.CertificateParseError')
  expect(await codeFor({ ...PAIR, KeyPassword: 'open sesame' })).toBe('OK')
})

describe('the same certificate again', () => {
  const twice = async (second: object, duplicates?: Duplicates) => {
    const emulator = await openEmulator(duplicates ? { duplicates } : {})
    const one = await emulator.call('UploadCertificate', { ...PAIR, Alias: 'first' })
    const two = await emulator.call('UploadCertificate', { ...PAIR, ...second })
    return { id: one.response.CertificateId, two, stored: emulator.certificates() }
  }

  test.each([[{}], [{ Repeatable: true }]])('gets a new ID with %j', async second => {
    const { id, two, stored } = await twice(second)
    expect(two.response.CertificateId).not.toBe(id)
    expect(two.response.RepeatCertId).toBe('')
    expect(stored).toHaveLength(2)
  })

  test.each([
    ['both', (id: string) => ({ CertificateId: id, RepeatCertId: id })],
    ['certificate-id-only', (id: string) => ({ CertificateId: id, RepeatCertId: '' })],
    ['repeat-cert-id-only', (id: string) => ({ CertificateId: '', RepeatCertId: id })],
  ] as const)('gets the existing ID with Repeatable=false, variant %s', async (variant, ids) => {
    const { id, two, stored } = await twice({ Repeatable: false, Alias: 'second' }, variant)
    expect(two.response).toMatchObject(ids(id))
    expect(stored).toMatchObject([{ alias: 'first' }])
  })

  test('is an error with Repeatable=false, variant error', async () => {
    const { two } = await twice({ Repeatable: false }, 'error')
    expect(two.code).toBe('FailedOperation.CertificateExists')
  })

  test('is the same one with another chain, and refused with another key', async () => {
    const { id, two } = await twice({ CertificatePublicKey: leaf, Repeatable: false })
    expect(two.response.CertificateId).toBe(id)
    const wrong = await twice({ CertificatePrivateKey: other.key, Repeatable: false })
    expect(wrong.two.code).toBe('FailedOperation.CertificateMatchError')
  })

  test('is another one as another type, and gets an ID even from constant dice', async () => {
    const { call } = await openEmulator({ dice: () => 0.5 })
    const caKey = newKey()
    const certificate = pemOf(await ca('root', undefined, caKey))
    const body = { ...pair(certificate, pkcs8(caKey)), Repeatable: false }
    const server = await call('UploadCertificate', body)
    const asAuthority = await call('UploadCertificate', { ...body, CertificateType: 'CA' })
    expect(asAuthority.response.CertificateId).not.toBe(server.response.CertificateId)
    expect(asAuthority.response.RepeatCertId).toBe('')
  })
})
