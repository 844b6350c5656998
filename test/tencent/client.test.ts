import { describe, expect, onTestFinished, test } from 'vitest'
import { startEmulator } from '../../src/emulator/server.ts'
import { Fault } from '../../src/errors.ts'
import { answering } from '../http/httpServers.ts'
import { OK } from './answers.ts'
import { BODY, callerOf, failureOf } from './clientFixture.ts'

describe('the request', () => {
  test('is a POST to / with every header the service asks for, the Host signed with its port', async () => {
    const { url, asked } = await answering(() => ({ body: OK }))
    const { call } = callerOf(url, { now: () => 1_781_524_800_999 })
    await call()
    const { host } = new URL(url)
    expect(asked).toMatchObject([
      {
        method: 'POST',
        path: '/',
        headers: {
          host,
          'content-type': 'application/json',
          'x-tc-action': 'UploadCertificate',
          'x-tc-version': '2019-12-05',
          'x-tc-timestamp': '1781524800',
          'x-tc-language': 'en-US',
          'x-tc-requestclient': 'certferry_1.2.3',
          authorization: expect.stringMatching(
            /^TC3-HMAC-SHA256 Credential=certferry-demo\/2026-06-15\/ssl\/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=[0-9a-f]{64}$/,
          ),
        },
      },
    ])
    expect(host).toMatch(/:\d+$/)
  })

  test('carries the body as UTF-8, byte for byte, and its length in bytes', async () => {
    const { url, asked } = await answering(() => ({ body: OK }))
    await callerOf(url).call()
    expect(asked[0]?.body).toEqual(Buffer.from(JSON.stringify(BODY), 'utf8'))
    expect(asked[0]?.headers['content-length']).toBe(String(Buffer.byteLength(JSON.stringify(BODY))))
  })

  test('names region and token where there are any, and sends no empty header where there are none', async () => {
    const { url, asked } = await answering(() => ({ body: OK }))
    await callerOf(url).call()
    await callerOf(url, { region: '' }).call()
    await callerOf(url, { region: 'ap-guangzhou', language: 'zh-CN', token: 'hushToken' }).call()
    for (const { headers } of asked.slice(0, 2)) {
      expect(headers).not.toHaveProperty('x-tc-region')
      expect(headers).not.toHaveProperty('x-tc-token')
    }
    expect(asked[2]?.headers).toMatchObject({
      'x-tc-region': 'ap-guangzhou',
      'x-tc-token': 'hushToken',
      'x-tc-language': 'zh-CN',
    })
  })

  test('with a temporary token is accepted by a service that proves signature and token', async () => {
    const accounts = {
      'certferry-demo': { secretKey: 'not-a-secret-opens-only-the-emulator', token: 'hushToken' },
    }
    const emulator = await startEmulator({ accounts })
    onTestFinished(emulator.close)
    const list = (token: string) => callerOf(emulator.url, { token }).client.call('DescribeCertificates', {})
    expect((await list('hushToken')).fields).toMatchObject({ TotalCount: 0 })
    expect(await failureOf(list('hushToken-of-yesterday'))).toMatchObject({
      code: 'API_CREDENTIALS',
      apiCode: 'AuthFailure.TokenFailure',
    })
  })
})

describe("the service's clock", () => {
  const dated = async (seconds: number) => {
    const now = Date.UTC(2026, 5, 15, 12)
    const date = new Date(now + seconds * 1000).toUTCString()
    const { url, asked } = await answering(() => ({ headers: { date }, body: OK }))
    const caller = callerOf(url, { now: () => now })
    await caller.call()
    return { ...caller, asked, expired: new Fault('API_CLOCK', 'expired') }
  }

  test.each([600, -600, 61])(
    '%i seconds away is measured, and put right when the service complains',
    async offset => {
      const { client, call, offsets, asked, expired } = await dated(offset)
      expect(client.offset()).toBe(offset)
      expect(await client.repair(expired)).toBe(true)
      await call()
      expect(offsets).toEqual([offset])
      expect(Number(asked[1]?.headers['x-tc-timestamp']) - Number(asked[0]?.headers['x-tc-timestamp'])).toBe(
        offset,
      )
    },
  )

  test('within a minute of ours is not what it complains of: nothing is put right twice', async () => {
    const { client, offsets, expired } = await dated(30)
    expect(await client.repair(expired)).toBe(false)
    const far = await dated(600)
    expect(await far.client.repair(far.expired)).toBe(true)
    expect(await far.client.repair(far.expired)).toBe(false)
    expect([...offsets, ...far.offsets]).toEqual([600])
  })

  test('that is not told, or told in nonsense, puts nothing right', async () => {
    const { url } = await answering(() => ({ headers: { date: 'soon' }, body: OK }))
    const { client, call } = callerOf(url)
    await call()
    expect(await client.repair(new Fault('API_CLOCK', 'expired'))).toBe(false)
  })
})
