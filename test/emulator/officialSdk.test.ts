/** The official SDK works with the emulator as it does with the service: proof that does not rely on our own client. */
import { Agent } from 'node:http'
import { CommonClient } from 'tencentcloud-sdk-nodejs-common'
import { describe, expect, test } from 'vitest'
import { DEMO_CREDENTIALS, type EmulatorOptions } from '../../src/emulator/server.ts'
import { issue } from '../fixtures/certificates.ts'
import { openEmulator, PAIR } from './client.ts'
import { CDN, CERTIFICATES, CLB, NEXT_ID, OLD_ID, REPLACE } from './cloud.ts'

interface Choices {
  readonly credential?: object
  readonly region?: string
  /** The SDK takes the service's name from the host, which must begin with `ssl.`. */
  readonly host?: (port: string) => string
}

/** Resolves every name to loopback, with the emulator's port as default. */
const loopbackAgent = (port: string) => {
  const agent = new Agent({
    lookup: (_, __, found) => found(null, [{ address: '127.0.0.1', family: 4 }]),
  })
  return Object.assign(agent, { defaultPort: Number(port) })
}

async function sdk(options: EmulatorOptions = {}) {
  const emulator = await openEmulator({ now: Date.now, ...options })
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
          agent: loopbackAgent(port),
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
    const list = await client().request('DescribeCertificates', { SearchKey: 'a.example' })
    expect(list).toMatchObject({ TotalCount: 1, Certificates: [{ CertificateId, Alias: '测试/é' }] })
  })

  test('gets the first ID for a duplicate', async () => {
    const { client } = await sdk()
    const first = await client().request('UploadCertificate', { ...PAIR, Repeatable: false })
    const second = await client().request('UploadCertificate', { ...PAIR, Repeatable: false })
    expect(second).toMatchObject({ CertificateId: first.CertificateId, RepeatCertId: first.CertificateId })
  })

  test('gets an error for a key that does not fit', async () => {
    const { client } = await sdk()
    const { key } = await issue()
    await expect(
      client().request('UploadCertificate', { ...PAIR, CertificatePrivateKey: key }),
    ).rejects.toMatchObject({ code: 'FailedOperation.CertificateMatchError', requestId: expect.any(String) })
  })

  test('is refused with a wrong key and with an unknown ID', async () => {
    const { client } = await sdk()
    const wrong = { ...DEMO_CREDENTIALS, secretKey: 'wrong' }
    await expect(client({ credential: wrong }).request('DescribeCertificates', {})).rejects.toMatchObject({
      code: 'AuthFailure.SignatureFailure',
      message: 'The provided credentials could not be validated. Please check your signature is correct.',
    })
    const unknown = { ...DEMO_CREDENTIALS, secretId: 'unknown' }
    await expect(client({ credential: unknown }).request('DescribeCertificates', {})).rejects.toMatchObject({
      code: 'AuthFailure.SecretIdNotFound',
    })
  })

  test('is refused when the clocks disagree', async () => {
    const { client } = await sdk({ now: () => Date.now() + 3_600_000 })
    await expect(client().request('DescribeCertificates', {})).rejects.toMatchObject({
      code: 'AuthFailure.SignatureExpire',
    })
  })

  test('may use temporary credentials with their token', async () => {
    const accounts = { temporary: { secretKey: 'for an hour', token: 'today' } }
    const { client } = await sdk({ accounts })
    const credential = { secretId: 'temporary', secretKey: 'for an hour' }
    const asked = (token?: string) =>
      client({ credential: { ...credential, token } }).request('DescribeCertificates', {})
    await expect(asked('today')).resolves.toMatchObject({ TotalCount: 0 })
    await expect(asked('yesterday')).rejects.toMatchObject({ code: 'AuthFailure.TokenFailure' })
    await expect(asked()).rejects.toMatchObject({ code: 'AuthFailure.TokenFailure' })
  })

  test('is throttled with a code it reads', async () => {
    const { client } = await sdk({ rate: 1 })
    await client().request('DescribeCertificates', {})
    await expect(client().request('DescribeCertificates', {})).rejects.toMatchObject({
      code: 'RequestLimitExceeded',
    })
  })

  test('may use a region and the service’s own host name', async () => {
    const { client } = await sdk()
    const query = { Limit: 5, CertIds: ['a92b1Z1i'], SearchKey: 'a b' }
    const byName = client({ host: () => 'ssl.tencentcloudapi.com', region: 'ap-guangzhou' })
    expect(await byName.request('DescribeCertificates', query)).toMatchObject({ TotalCount: 0 })
  })

  test('is refused an unknown action and a denied one', async () => {
    const accounts = { me: { secretKey: 'mine', denied: ['DeleteCertificate'] } }
    const { client } = await sdk({ accounts })
    const mine = client({ credential: { secretId: 'me', secretKey: 'mine' } })
    await expect(mine.request('Describe', {})).rejects.toMatchObject({ code: 'InvalidAction' })
    await expect(mine.request('DeleteCertificate', { CertificateId: 'a' })).rejects.toMatchObject({
      code: 'AuthFailure.UnauthorizedOperation',
    })
  })
})

describe('the official SDK, replacing a certificate', () => {
  const account = {
    certificates: CERTIFICATES,
    resources: [CDN, CLB],
    traps: {
      scanCalls: 0,
      scanSeconds: 0,
      recordHiddenSeconds: 0,
      switchFromSeconds: 0,
      switchToSeconds: 0,
      surveyColdSeconds: 0,
      surveyEmpty: 'never',
      deletionSeconds: 0,
    },
  } as const

  test('surveys, replaces, reads the record, rolls back and tries again', async () => {
    const { client, emulator } = await sdk(account)
    const ask = (action: string, body: object = {}) => client().request(action, body)
    const { CertTaskIds } = await ask('CreateCertificateBindResourceSyncTask', {
      CertificateIds: [OLD_ID],
      IsCache: 0,
    })
    const [{ TaskId }] = CertTaskIds
    const { SyncTaskBindResourceResult } = await ask('DescribeCertificateBindResourceTaskResult', {
      TaskIds: [TaskId],
    })
    expect(SyncTaskBindResourceResult).toMatchObject([{ TaskId, Status: 1, Error: null }])
    expect(
      await ask('DescribeCertificateBindResourceTaskDetail', { TaskId, Limit: '100', Offset: '0' }),
    ).toMatchObject({ Status: 1, CDN: [{ InstanceList: [{ Domain: 'a.example.com', CertId: OLD_ID }] }] })

    const { DeployRecordId } = await ask('UpdateCertificateInstance', REPLACE)
    expect(DeployRecordId).toBeGreaterThan(2 ** 32)
    const detail = { DeployRecordId: String(DeployRecordId), Limit: '200', Offset: '0' }
    expect(await ask('DescribeHostUpdateRecordDetail', detail)).toMatchObject({
      TotalCount: 2,
      SuccessTotalCount: 2,
    })
    expect(emulator.resources().map(({ certId }) => certId)).toEqual([NEXT_ID, NEXT_ID])
    const pair = { CertificateId: NEXT_ID, OldCertificateId: OLD_ID }
    expect(await ask('DescribeHostUpdateRecord', pair)).toMatchObject({
      TotalCount: 1,
      DeployRecordList: [{ Id: DeployRecordId, CertId: NEXT_ID, OldCertId: OLD_ID }],
    })
    await expect(ask('UpdateCertificateRecordRetry', { DeployRecordId })).rejects.toMatchObject({
      code: 'FailedOperation.CertificateDeployRetryStatusInvalid',
    })
    const back = await ask('UpdateCertificateRecordRollback', { DeployRecordId })
    expect(back.DeployRecordId).toBeGreaterThan(DeployRecordId)
    expect(emulator.resources().map(({ certId }) => certId)).toEqual([OLD_ID, OLD_ID])
  })

  test('silences and deletes the old certificate', async () => {
    const { client, emulator } = await sdk(account)
    const ask = (action: string, body: object) => client().request(action, body)
    emulator.rebind('cdn/a.example.com', NEXT_ID)
    const silence = { CertificateIds: [OLD_ID], SwitchStatus: 1 }
    expect(await ask('ModifyCertificatesExpiringNotificationSwitch', silence)).toMatchObject({
      CertificateIds: [OLD_ID],
    })
    const results = async (checked: string) => {
      const { DeleteResult, TaskId } = await ask('DeleteCertificate', {
        CertificateId: checked,
        IsCheckResource: true,
      })
      expect(DeleteResult).toBe(false)
      return (await ask('DescribeDeleteCertificatesTaskResult', { TaskIds: [TaskId] })).DeleteTaskResult
    }
    expect(await results(OLD_ID)).toMatchObject([{ Status: 4, Error: 'unbound cloud resources: clb' }])
    emulator.rebind('clb/ap-guangzhou/lb-1/lbl-1/a.example.com', NEXT_ID)
    expect(await results(OLD_ID)).toMatchObject([{ Status: 1, Error: '' }])
  })
})
