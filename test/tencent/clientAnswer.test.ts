import { setImmediate } from 'node:timers/promises'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Answer, answering, speaking } from '../http/httpServers.ts'
import { OK } from './answers.ts'
import { BODY, callerOf, failureOf } from './clientFixture.ts'

describe('the answer', () => {
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
  ])('compressed with %s on the way is read all the same', async (encoding, body) => {
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
  ])('is heard after a "100 Continue" that was not asked for: %s', async (_, parts) => {
    const { url } = await speaking(async socket => {
      for (const part of parts) {
        await new Promise(resolve => socket.write(part, resolve))
        await setImmediate()
      }
    })
    expect(await callerOf(url).call()).toMatchObject({ requestId: 'r-1' })
  })

  test("with an Error is the service's own word, whatever the HTTP status says", async () => {
    const body = JSON.stringify({
      Response: { Error: { Code: 'InternalError', Message: 'busy' }, RequestId: 'r-2' },
    })
    for (const status of [200, 400, 503]) {
      expect(await failureOf(replies({ status, body }))).toMatchObject({
        code: 'API_UNAVAILABLE',
        apiCode: 'InternalError',
        requestId: 'r-2',
      })
    }
  })

  test('that quotes the private key has it cut out before anybody sees it', async () => {
    const Message = `cannot parse ${BODY.CertificatePrivateKey}`
    const body = JSON.stringify({
      Response: { Error: { Code: 'InvalidParameter', Message }, RequestId: 'r' },
    })
    expect(await failureOf(replies({ body }))).toMatchObject({
      message: 'the service answered InvalidParameter: cannot parse [secret]',
    })
  })

  const HTML = '<html><body>502 Bad Gateway</body></html>'
  const GBK = Buffer.concat([Buffer.from('<html>'), Buffer.from([0xb4, 0xed, 0xce, 0xf3])])
  test.each<readonly [string, Answer, string | RegExp]>([
    ['a gateway error page', { status: 502, body: HTML }, "the answer was HTTP 502, not the service's"],
    ['a page of HTML with 200', { body: HTML }, "the answer was a page of HTML, not the service's"],
    ['a page in another encoding', { body: GBK }, "the answer was a page of HTML, not the service's"],
    ['nothing', { body: '' }, "the answer was empty, not the service's"],
    ['204', { status: 204 }, "the answer was HTTP 204, not the service's"],
    ['JSON cut off', { body: OK.slice(0, 40) }, /^the answer was JSON that is cut off/],
    [
      'JSON of another form',
      { body: '{"code":0}' },
      /^the answer was JSON that is cut off or of another form/,
    ],
    ['an answer that is no object', { body: '{"Response":[]}' }, /^the answer was JSON/],
    ['a request ID of another type', { body: '{"Response":{"RequestId":7}}' }, /^the answer was JSON/],
    [
      'broken gzip',
      { headers: { 'content-encoding': 'gzip' }, body: gzipSync(OK).subarray(0, 30) },
      /\(Z_BUF_ERROR\)$/,
    ],
    ['no deflate at all', { headers: { 'content-encoding': 'deflate' }, body: OK }, /\(Z_DATA_ERROR\)$/],
    [
      'a megabyte packed into a kilobyte',
      { headers: { 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(1 << 22)) },
      /\(ERR_BUFFER_TOO_LARGE\)$/,
    ],
    [
      'more than a megabyte',
      { body: Buffer.alloc((1 << 20) + 1, 32) },
      /^the answer has more than 1048576 bytes/,
    ],
  ])('that is %s is not taken for one, and is worth another try', async (_, answer, message) => {
    expect(await failureOf(replies(answer))).toMatchObject({
      code: 'REPLY_UNREADABLE',
      retry: 'backoff',
      exit: 75,
      message: expect.stringMatching(message),
    })
  })

  test.each([301, 302, 303, 307, 308])(
    'that redirects (%i) is not followed: the key goes nowhere else',
    async status => {
      const elsewhere = await answering(() => ({ body: OK }))
      const answer = { status, headers: { location: elsewhere.url } }
      expect(await failureOf(replies(answer))).toMatchObject({ code: 'REPLY_UNREADABLE' })
      expect(elsewhere.asked).toEqual([])
    },
  )
})
