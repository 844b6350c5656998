import { createHash, X509Certificate } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Duplicates } from '../../src/emulator/actions.ts'
import { upload } from '../../src/emulator/actions.ts'
import { createStore } from '../../src/emulator/store.ts'
import {
  chainPem,
  expired,
  impostor,
  intermediate,
  keyAs,
  leaf,
  lockedKey,
  other,
  renamed,
  root,
  rsaLeaf,
  selfSigned,
  sm2Pem,
} from './certificatePairs.ts'
import { NOON } from './client.ts'
import { type Running, running } from './emulatorFixture.ts'

const PAIR = { CertificatePublicKey: chainPem, CertificatePrivateKey: leaf.keyPem }
const ID = /^[A-Za-z0-9]{8}$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const codeFor = async (body: object, emulator?: Running) =>
  (await (emulator ?? (await running())).call('UploadCertificate', body)).code

describe('a certificate with its key', () => {
  test('gets an id of eight letters and digits, and the whole reply of the documentation', async () => {
    const { call } = await running()
    const { status, response } = await call('UploadCertificate', PAIR)
    expect(status).toBe(200)
    expect(response).toEqual({
      CertificateId: expect.stringMatching(ID),
      RepeatCertId: '',
      RequestId: expect.stringMatching(UUID),
    })
  })

  test('is kept with everything that was said about it', async () => {
    const { call, certificates } = await running()
    const { response } = await call('UploadCertificate', {
      ...PAIR,
      CertificateType: 'SVR',
      Alias: '测试/é',
      ProjectId: 42,
      CertificateUse: 'CDN',
      Tags: [{ TagKey: 'team', TagValue: 'web' }],
      Repeatable: false,
    })
    const der = new X509Certificate(leaf.pem).raw
    expect(certificates()).toMatchObject([
      {
        id: response.CertificateId,
        type: 'SVR',
        alias: '测试/é',
        projectId: 42,
        use: 'CDN',
        tags: [{ TagKey: 'team', TagValue: 'web' }],
        names: ['a.example.com', '*.b.example.com'],
        fingerprint: createHash('sha256').update(der).digest('hex'),
        chainPem,
        notAfter: new Date('2036-01-01T00:00:00Z'),
      },
    ])
  })

  test('never shows its key when what is stored or recorded is printed', async () => {
    const { call, certificates, entries } = await running()
    await call('UploadCertificate', { ...PAIR, KeyPassword: 'the password' })
    const printed =
      inspect([certificates(), entries], { depth: 9 }) + JSON.stringify([certificates(), entries])
    expect(printed).not.toMatch(/PRIVATE KEY-|the password/)
    expect(certificates()[0]?.keyPem?.reveal()).toBe(leaf.keyPem)
  })

  test.each([
    ['an RSA pair', { CertificatePublicKey: rsaLeaf.pem, CertificatePrivateKey: rsaLeaf.keyPem }],
    [
      'a PKCS#1 key',
      { CertificatePublicKey: rsaLeaf.pem, CertificatePrivateKey: keyAs(rsaLeaf.keyPem, 'pkcs1') },
    ],
    ['a SEC1 key', { CertificatePublicKey: leaf.pem, CertificatePrivateKey: keyAs(leaf.keyPem, 'sec1') }],
    ['a leaf alone', { CertificatePublicKey: leaf.pem, CertificatePrivateKey: leaf.keyPem }],
    [
      'a chain up to the root',
      { CertificatePublicKey: chainPem + root.pem, CertificatePrivateKey: leaf.keyPem },
    ],
    [
      'a self-signed certificate',
      { CertificatePublicKey: selfSigned.pem, CertificatePrivateKey: selfSigned.keyPem },
    ],
    ['an expired certificate', { CertificatePublicKey: expired.pem, CertificatePrivateKey: expired.keyPem }],
    [
      'no newline at the end',
      { CertificatePublicKey: chainPem.trim(), CertificatePrivateKey: leaf.keyPem.trim() },
    ],
    [
      'empty lines between the blocks',
      { CertificatePublicKey: `${leaf.pem}\n${intermediate.pem}\n`, CertificatePrivateKey: leaf.keyPem },
    ],
    [
      'the line ends of Windows',
      { CertificatePublicKey: chainPem.replaceAll('\n', '\r\n'), CertificatePrivateKey: leaf.keyPem },
    ],
    ['an authority without key', { CertificatePublicKey: root.pem, CertificateType: 'CA' }],
    [
      'two unrelated authorities',
      { CertificatePublicKey: root.pem + intermediate.pem, CertificateType: 'CA' },
    ],
  ])('is taken as %s', async (_, body) => {
    expect(await codeFor(body)).toBe('OK')
  })
})

describe('what the service refuses', () => {
  const block = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
  test.each([
    ['no block at all', { ...PAIR, CertificatePublicKey: 'PEM\n' }, 'FailedOperation.CertificateParseError'],
    ['an empty text', { ...PAIR, CertificatePublicKey: '' }, 'FailedOperation.CertificateParseError'],
    [
      'a block that is no DER',
      { ...PAIR, CertificatePublicKey: block },
      'FailedOperation.CertificateParseError',
    ],
    [
      'a second block that is no DER',
      { ...PAIR, CertificatePublicKey: leaf.pem + block },
      'FailedOperation.CertificateParseError',
    ],
    [
      'spaces before a line',
      { ...PAIR, CertificatePublicKey: chainPem.replaceAll('\n', '\n ') },
      'FailedOperation.CertificateParseError',
    ],
    [
      'words between the blocks',
      { ...PAIR, CertificatePublicKey: `${leaf.pem}subject=CN\n${intermediate.pem}` },
      'FailedOperation.CertificateParseError',
    ],
    [
      'a byte order mark',
      { ...PAIR, CertificatePublicKey: `\uFEFF${chainPem}` },
      'FailedOperation.CertificateParseError',
    ],
    [
      'lost newlines',
      { ...PAIR, CertificatePublicKey: chainPem.replaceAll('\n', ' ') },
      'FailedOperation.CertificateInvalid',
    ],
    [
      'a key that is none',
      { ...PAIR, CertificatePrivateKey: 'KEY\n' },
      'FailedOperation.CertificateParseError',
    ],
    [
      'a public key for the private one',
      { ...PAIR, CertificatePrivateKey: leaf.pem },
      'FailedOperation.CertificateParseError',
    ],
    [
      'a key with padded lines',
      { ...PAIR, CertificatePrivateKey: leaf.keyPem.replaceAll('\n', ' \n') },
      'FailedOperation.CertificateParseError',
    ],
    [
      'the key of another certificate',
      { ...PAIR, CertificatePrivateKey: other.keyPem },
      'FailedOperation.CertificateMatchError',
    ],
    [
      'a key of another kind',
      { ...PAIR, CertificatePrivateKey: rsaLeaf.keyPem },
      'FailedOperation.CertificateMatchError',
    ],
    [
      'a server certificate without key',
      { CertificatePublicKey: chainPem },
      'InvalidParameter.MissMatchPrivateKey',
    ],
    [
      'a server certificate with an empty key',
      { ...PAIR, CertificatePrivateKey: '' },
      'InvalidParameter.MissMatchPrivateKey',
    ],
    [
      'the chain upside down',
      { CertificatePublicKey: intermediate.pem + leaf.pem, CertificatePrivateKey: intermediate.keyPem },
      'FailedOperation.CertificateChainError',
    ],
    [
      'a gap in the chain',
      { ...PAIR, CertificatePublicKey: leaf.pem + root.pem },
      'FailedOperation.CertificateChainError',
    ],
    [
      'the leaf twice',
      { ...PAIR, CertificatePublicKey: leaf.pem + chainPem },
      'FailedOperation.CertificateChainError',
    ],
    [
      'a self-signed certificate twice',
      { CertificatePublicKey: root.pem + root.pem, CertificatePrivateKey: root.keyPem },
      'FailedOperation.CertificateChainError',
    ],
    [
      'an issuer of the right name with another key',
      { ...PAIR, CertificatePublicKey: leaf.pem + impostor.pem },
      'FailedOperation.CertificateChainError',
    ],
    [
      'an issuer of another name with the right key',
      { ...PAIR, CertificatePublicKey: leaf.pem + renamed.pem },
      'FailedOperation.CertificateChainError',
    ],
    [
      'a leaf as authority',
      { CertificatePublicKey: leaf.pem, CertificateType: 'CA' },
      'FailedOperation.CertificateCaError',
    ],
    [
      'a leaf beside an authority',
      { CertificatePublicKey: root.pem + leaf.pem, CertificateType: 'CA' },
      'FailedOperation.CertificateCaError',
    ],
    [
      'the national curve SM2',
      { ...PAIR, CertificatePublicKey: sm2Pem },
      'FailedOperation.CertificateEncryptInvalid',
    ],
    ['a type of its own', { ...PAIR, CertificateType: 'svr' }, 'InvalidParameter.WithDetailReason'],
  ])('%s', async (_, body, code) => {
    const emulator = await running()
    expect(await codeFor(body, emulator)).toBe(code)
    expect(emulator.certificates()).toEqual([])
  })
})

describe('an encrypted key', () => {
  const locked = { ...PAIR, CertificatePrivateKey: lockedKey(leaf.keyPem, 'open sesame') }
  test('is taken with its password', async () => {
    expect(await codeFor({ ...locked, KeyPassword: 'open sesame' })).toBe('OK')
  })
  test('is refused with a wrong password or none', async () => {
    expect(await codeFor({ ...locked, KeyPassword: 'open barley' })).toBe(
      'FailedOperation.CertificateParseError',
    )
    expect(await codeFor(locked)).toBe('FailedOperation.CertificateParseError')
  })
  test('needs no password when it is not encrypted, and does not mind one', async () => {
    expect(await codeFor({ ...PAIR, KeyPassword: 'open sesame' })).toBe('OK')
  })
})

describe('the same certificate again', () => {
  const twice = async (duplicates: Duplicates | undefined, first: object, second: object) => {
    const emulator = await running(duplicates ? { duplicates } : {})
    const one = await emulator.call('UploadCertificate', { ...PAIR, ...first })
    const two = await emulator.call('UploadCertificate', { ...PAIR, ...second })
    return { id: one.response.CertificateId, two, held: emulator.certificates() }
  }

  test.each([[{}], [{ Repeatable: true }]])('gets a new id with %j', async again => {
    const { id, two, held } = await twice(undefined, { Repeatable: false }, again)
    expect(two.response.CertificateId).not.toBe(id)
    expect(two.response.RepeatCertId).toBe('')
    expect(held).toHaveLength(2)
  })

  test.each([
    ['both', (id: string) => ({ CertificateId: id, RepeatCertId: id })],
    ['certificate-id-only', (id: string) => ({ CertificateId: id, RepeatCertId: '' })],
    ['repeat-cert-id-only', (id: string) => ({ CertificateId: '', RepeatCertId: id })],
  ] as const)('answers with the existing id under Repeatable=false, variant %s', async (variant, ids) => {
    const { id, two, held } = await twice(variant, {}, { Repeatable: false })
    expect(two.response).toMatchObject(ids(id))
    expect(held).toHaveLength(1)
  })

  test('can be made an error', async () => {
    const { two } = await twice('error', {}, { Repeatable: false })
    expect(two.code).toBe('FailedOperation.CertificateExists')
    expect(two.response.CertificateId).toBeUndefined()
  })

  test('is the same one when only its chain differs, and keeps its alias', async () => {
    const { id, two, held } = await twice(
      undefined,
      { Alias: 'first' },
      { CertificatePublicKey: leaf.pem, Alias: 'second', Repeatable: false },
    )
    expect(two.response.CertificateId).toBe(id)
    expect(held[0]?.alias).toBe('first')
  })

  test('is another one as another type', async () => {
    const { call } = await running()
    const pair = { CertificatePublicKey: root.pem, CertificatePrivateKey: root.keyPem, Repeatable: false }
    const server = await call('UploadCertificate', pair)
    const authority = await call('UploadCertificate', { ...pair, CertificateType: 'CA' })
    expect(authority.response.CertificateId).not.toBe(server.response.CertificateId)
    expect(authority.response.RepeatCertId).toBe('')
  })

  test('a duplicate with the wrong key is refused, not answered with the existing id', async () => {
    const { two } = await twice(undefined, {}, { CertificatePrivateKey: other.keyPem, Repeatable: false })
    expect(two.code).toBe('FailedOperation.CertificateMatchError')
  })

  test('gets an id even when the dice are stuck', async () => {
    const { call } = await running({ dice: () => 0.5 })
    const one = await call('UploadCertificate', PAIR)
    const two = await call('UploadCertificate', PAIR)
    expect(two.response.CertificateId).toMatch(ID)
    expect(two.response.CertificateId).not.toBe(one.response.CertificateId)
  })

  test('is answered with its first id once there are more than five thousand, whatever was asked', () => {
    let throws = 0
    const vault = createStore(() => ++throws / 10_000)
    const ids = Array.from({ length: 5002 }, () => upload(PAIR, vault, 'both', NOON))
    expect(vault.all()).toHaveLength(5001)
    expect(ids.at(-1)).toEqual({ CertificateId: vault.all()[0]?.id, RepeatCertId: vault.all()[0]?.id })
  })
})
