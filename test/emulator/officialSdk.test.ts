/** The official SDK cannot tell the emulator from the service: it asks us, so that our own client need not be believed. */
import { Agent } from 'node:http'
import { CommonClient } from 'tencentcloud-sdk-nodejs-common'
import { describe, expect, test } from 'vitest'
import { DEMO_CREDENTIALS, type EmulatorOptions } from '../../src/emulator/server.ts'
import { chainPem, leaf, other } from './certificatePairs.ts'
import { running } from './emulatorFixture.ts'

const PAIR = { CertificatePublicKey: chainPem, CertificatePrivateKey: leaf.keyPem }

interface Choices {
  readonly credential?: object
  readonly reqMethod?: 'GET' | 'POST'
  readonly region?: string
  /** The SDK reads the service's name off the host: it must begin with `ssl.`, and be led home by the agent. */
  readonly host?: (port: string) => string
}

/** Every name leads to loopback, and a name without a port to the emulator's: nothing is ever looked up. */
const homeward = (port: string) => {
  const agent = new Agent({
    lookup: (_, __, found) => found(null, [{ address: '127.0.0.1', family: 4 }]),
  })
  return Object.assign(agent, { defaultPort: Number(port) })
}

async function sdk(options: EmulatorOptions = {}) {
  const emulator = await running({ now: Date.now, ...options })
  const { port } = new URL(emulator.url)
  const client = (choices: Choices = {}) =>
    new CommonClient('ssl.tencentcloudapi.com', '2019-12-05', {
      credential: choices.credential ?? DEMO_CREDENTIALS,
      ...(choices.region === undefined ? {} : { region: choices.region }),
      profile: {
        language: 'en-US',
        httpProfile: {
          protocol: 'http://',
          endpoint: (choices.host ?? (at => `ssl.localhost:${at}`))(port),
          reqMethod: choices.reqMethod ?? 'POST',
          agent: homeward(port),
        },
      },
    })
  return { emulator, client }
}

describe('the official SDK', () => {
  test('uploads a certificate and reads it back', async () => {
    const { client, emulator } = await sdk()
    const { CertificateId, RepeatCertId, RequestId } = await client().request('UploadCertificate', {
      ...PAIR,
      Alias: '测试/é',
      Tags: [{ TagKey: 'team', TagValue: 'web' }],
      Repeatable: false,
    })
    expect({ CertificateId, RepeatCertId, RequestId }).toEqual({
      CertificateId: emulator.certificates()[0]?.id,
      RepeatCertId: '',
      RequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    const detail = await client().request('DescribeCertificateDetail', { CertificateId })
    expect(detail).toMatchObject({ Alias: '测试/é', CertificatePublicKey: chainPem, Status: 1 })
    const list = await client().request('DescribeCertificates', { SearchKey: 'a.example' })
    expect(list).toMatchObject({ TotalCount: 1, Certificates: [{ CertificateId }] })
  })

  test('gets the first id for a duplicate', async () => {
    const { client } = await sdk()
    const first = await client().request('UploadCertificate', { ...PAIR, Repeatable: false })
    const second = await client().request('UploadCertificate', { ...PAIR, Repeatable: false })
    expect(second).toMatchObject({ CertificateId: first.CertificateId, RepeatCertId: first.CertificateId })
  })

  test('is told of a key that does not fit', async () => {
    const { client } = await sdk()
    await expect(
      client().request('UploadCertificate', { ...PAIR, CertificatePrivateKey: other.keyPem }),
    ).rejects.toMatchObject({ code: 'FailedOperation.CertificateMatchError', requestId: expect.any(String) })
  })

  test('is refused with the wrong key, and with an id nobody has', async () => {
    const { client } = await sdk()
    const wrong = { ...DEMO_CREDENTIALS, secretKey: 'wrong' }
    await expect(client({ credential: wrong }).request('DescribeCertificates', {})).rejects.toMatchObject({
      code: 'AuthFailure.SignatureFailure',
      message: 'The provided credentials could not be validated. Please check your signature is correct.',
    })
    const nobody = { ...DEMO_CREDENTIALS, secretId: 'nobody' }
    await expect(client({ credential: nobody }).request('DescribeCertificates', {})).rejects.toMatchObject({
      code: 'AuthFailure.SecretIdNotFound',
    })
  })

  test('is refused when the clocks disagree', async () => {
    const { client } = await sdk({ now: () => Date.now() + 3_600_000 })
    await expect(client().request('DescribeCertificates', {})).rejects.toMatchObject({
      code: 'AuthFailure.SignatureExpire',
    })
  })

  test('comes in with temporary credentials when it brings the token', async () => {
    const accounts = { temporary: { secretKey: 'for an hour', token: 'of today' } }
    const { client } = await sdk({ accounts })
    const credential = { secretId: 'temporary', secretKey: 'for an hour' }
    const asked = (token?: string) =>
      client({ credential: { ...credential, token } }).request('DescribeCertificates', {})
    await expect(asked('of today')).resolves.toMatchObject({ TotalCount: 0 })
    await expect(asked('of yesterday')).rejects.toMatchObject({ code: 'AuthFailure.TokenFailure' })
    await expect(asked()).rejects.toMatchObject({ code: 'AuthFailure.TokenFailure' })
  })

  test('is throttled with a code it can read', async () => {
    const { client } = await sdk({ rate: 1 })
    await client().request('DescribeCertificates', {})
    await expect(client().request('DescribeCertificates', {})).rejects.toMatchObject({
      code: 'RequestLimitExceeded',
    })
  })

  test('may use GET, a region and the service’s own host name', async () => {
    const { client } = await sdk()
    const query = { Limit: 5, CertIds: ['a92b1Z1i'], SearchKey: 'a b' }
    const byGet = client({ reqMethod: 'GET', region: 'ap-guangzhou' })
    expect(await byGet.request('DescribeCertificates', query)).toMatchObject({ TotalCount: 0 })
    const byName = client({ host: () => 'ssl.tencentcloudapi.com' })
    expect(await byName.request('DescribeCertificates', query)).toMatchObject({ TotalCount: 0 })
  })

  test('learns of an action that does not exist and of a permission that is denied', async () => {
    const accounts = { me: { secretKey: 'mine', denied: ['DeleteCertificate'] } }
    const { client } = await sdk({ accounts })
    const mine = client({ credential: { secretId: 'me', secretKey: 'mine' } })
    await expect(mine.request('Describe', {})).rejects.toMatchObject({ code: 'InvalidAction' })
    await expect(mine.request('DeleteCertificate', { CertificateId: 'a' })).rejects.toMatchObject({
      code: 'AuthFailure.UnauthorizedOperation',
    })
  })
})
