import { setImmediate } from 'node:timers/promises'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startEmulator } from '../../src/emulator/server.ts'
import { Fault } from '../../src/errors.ts'
import { type Answer, answering, speaking } from '../http/httpServers.ts'
import { OK } from './answers.ts'
import { BODY, callerOf, failureOf } from './clientFixture.ts'

describe('a request', () => {
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

  test('has the parameters as JSON in UTF-8, and their length in bytes', async () => {
    const { url, asked } = await answering(() => ({ body: OK }))
    await callerOf(url).call()
    expect(asked[0]?.body).toEqual(Buffer.from(JSON.stringify(BODY), 'utf8'))
    expect(asked[0]?.headers['content-length']).toBe(String(Buffer.byteLength(JSON.stringify(BODY))))
  })

  test('has region and token if they are set, and else no empty header', async () => {
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

  test('with a temporary token is accepted by the emulator, which checks signature and token', async () => {
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

describe("the service's time", () => {
  const dated = async (seconds: number) => {
    const now = Date.UTC(2026, 5, 15, 12)
    const date = new Date(now + seconds * 1000).toUTCString()
    const { url, asked } = await answering(() => ({ headers: { date }, body: OK }))
    const caller = callerOf(url, { now: () => now })
    await caller.call()
    return { ...caller, asked, expired: new Fault('API_CLOCK', 'expired') }
  }

  test.each([600, -600, 61])('%i seconds away is measured, and used after API_CLOCK', async offset => {
    const { client, call, offsets, asked, expired } = await dated(offset)
    expect(client.offset()).toBe(offset)
    expect(await client.repair(expired)).toBe(true)
    await call()
    expect(offsets).toEqual([offset])
    expect(Number(asked[1]?.headers['x-tc-timestamp']) - Number(asked[0]?.headers['x-tc-timestamp'])).toBe(
      offset,
    )
  })

  test('less than a minute away is not used, and no correction is made twice', async () => {
    const { client, offsets, expired } = await dated(30)
    expect(await client.repair(expired)).toBe(false)
    const far = await dated(600)
    expect(await far.client.repair(far.expired)).toBe(true)
    expect(await far.client.repair(far.expired)).toBe(false)
    expect([...offsets, ...far.offsets]).toEqual([600])
  })

  test('without a valid Date header is not used', async () => {
    const { url } = await answering(() => ({ headers: { date: 'soon' }, body: OK }))
    const { client, call } = callerOf(url)
    await call()
    expect(await client.repair(new Fault('API_CLOCK', 'expired'))).toBe(false)
  })
})

describe('an answer', () => {
  const replies = async (answer: Answer) => callerOf((await answering(() => answer)).url).call()

  test('gives its fields and the request ID', async () => {
    expect(await replies({ body: OK })).toMatchObject({
      requestId: 'r-1',
      fields: { CertificateId: 'a92b1Z1i' },
    })
  })

  test.each([
    ['gzip', gzipSync(OK)],
    ['deflate', deflateSync(OK)],
    ['x-gzip', gzipSync(OK)],
    ['GZIP', gzipSync(OK)],
    ['deflate', deflateRawSync(OK)],
    ['br', brotliCompressSync(OK)],
    ['zstd', zstdCompressSync(OK)],
    ['br, gzip', gzipSync(brotliCompressSync(OK))],
    ['identity', gzipSync(OK)],
    ['gzip', OK],
  ])('that a proxy compressed with %s is read', async (encoding, body) => {
    expect(await replies({ headers: { 'content-encoding': encoding }, body })).toMatchObject({
      requestId: 'r-1',
    })
  })

  const ANSWER = `HTTP/1.1 200 OK\r\ncontent-length: ${OK.length}\r\n\r\n${OK}`
  test.each([
    ['before it', [`HTTP/1.1 100 Continue\r\n\r\n${ANSWER}`]],
    ['alone', ['HTTP/1.1 100 Continue\r\n\r\n', ANSWER]],
    [
      'with a header, and twice',
      ['HTTP/1.1 100 \r\nx-gate: 1\r\n\r\n', `HTTP/1.1 100 Continue\r\n\r\n${ANSWER}`],
    ],
  ])('is read after an unasked "100 Continue": %s', async (_, parts) => {
    const { url } = await speaking(async socket => {
      for (const part of parts) {
        await new Promise(resolve => socket.write(part, resolve))
        await setImmediate()
      }
    })
    expect(await callerOf(url).call()).toMatchObject({ requestId: 'r-1' })
  })

  test('that quotes the private key becomes a fault without it', async () => {
    const Message = `cannot parse ${BODY.CertificatePrivateKey}`
    const body = JSON.stringify({
      Response: { Error: { Code: 'InvalidParameter', Message }, RequestId: 'r' },
    })
    expect(await failureOf(replies({ body }))).toMatchObject({
      message: 'the service answered InvalidParameter: cannot parse [secret]',
    })
  })

  const GBK = Buffer.concat([Buffer.from('<html>'), Buffer.from([0xb4, 0xed, 0xce, 0xf3])])
  const packed = (encoding: string, body: Buffer | string) => ({
    headers: { 'content-encoding': encoding },
    body,
  })
  test.each<readonly [string, Answer, string | RegExp]>([
    ['a page in another encoding', { body: GBK }, "the answer was a page of HTML, not the service's"],
    ['204 without a body', { status: 204 }, "the answer was HTTP 204, not the service's"],
    ['broken gzip', packed('gzip', gzipSync(OK).subarray(0, 30)), /\(Z_BUF_ERROR\)$/],
    ['JSON called deflate', packed('deflate', OK), /\(Z_DATA_ERROR\)$/],
    [
      'four megabytes compressed',
      packed('gzip', gzipSync(Buffer.alloc(1 << 22))),
      /\(ERR_BUFFER_TOO_LARGE\)$/,
    ],
    [
      'more than a megabyte',
      { body: Buffer.alloc((1 << 20) + 1, 32) },
      /^the answer has more than 1048576 bytes/,
    ],
  ])('is retried if it is %s', async (_, answer, message) => {
    expect(await failureOf(replies(answer))).toMatchObject({
      code: 'REPLY_UNREADABLE',
      retry: 'backoff',
      exit: 75,
      message: expect.stringMatching(message),
    })
  })

  test.each([301, 302, 303, 307, 308])('that redirects (%i) is not followed', async status => {
    const elsewhere = await answering(() => ({ body: OK }))
    const answer = { status, headers: { location: elsewhere.url } }
    expect(await failureOf(replies(answer))).toMatchObject({ code: 'REPLY_UNREADABLE' })
    expect(elsewhere.asked).toEqual([])
  })
})
