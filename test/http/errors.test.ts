import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import { networkFault } from '../../src/http/errors.ts'
import { callerOf, failureOf } from '../tencent/clientFixture.ts'
import { answering, refused, speaking } from './httpServers.ts'

const soon = { connect: 5_000, headers: 60, body: 60 }

describe('a request without an answer', () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n'

  test.each<readonly [string, Parameters<typeof speaking>[0], string, RegExp]>([
    [
      'a reset',
      socket => socket.resetAndDestroy(),
      'NETWORK',
      /the connection broke \((ECONNRESET|UND_ERR_SOCKET)/,
    ],
    ['a close', socket => socket.end(), 'NETWORK', /the connection broke \(UND_ERR_SOCKET/],
    ['half a body and a close', socket => socket.end(`${head}{"Resp`), 'NETWORK', /the connection broke/],
    [
      'another protocol',
      socket => socket.end('SSH-2.0-OpenSSH_9.9\r\n'),
      'REPLY_UNREADABLE',
      /\(HTTPParserError\)$/,
    ],
    [
      'headers without end',
      socket => socket.write(`HTTP/1.1 200 OK\r\n${'x-more: of the same\r\n'.repeat(9_999)}`),
      'REPLY_UNREADABLE',
      /\(UND_ERR_HEADERS_OVERFLOW\)$/,
    ],
  ])('%s is a fault that is retried', async (_, speak, code, message) => {
    const { url } = await speaking(speak)
    expect(await failureOf(callerOf(url).call())).toMatchObject({
      code,
      retry: 'backoff',
      exit: 75,
      message: expect.stringMatching(message),
    })
  })

  test('silence, half a header and half a body time out', async () => {
    // at once, because undici checks its clock once a second
    const ends = (speak: Parameters<typeof speaking>[0]) =>
      speaking(speak).then(({ url }) => failureOf(callerOf(url, { limits: soon }).call()))
    const timeout = (code: string) => ({
      code: 'TIMEOUT',
      retry: 'backoff',
      message: expect.stringMatching(`no answer in time \\(${code}\\)$`),
    })
    const faults = await Promise.all([
      ends(() => {}),
      ends(socket => socket.write('HTTP/1.1 200')),
      ends(socket => socket.write(`${head}{"Resp`)),
    ])
    const headers = timeout('UND_ERR_HEADERS_TIMEOUT')
    expect(faults).toMatchObject([headers, headers, timeout('UND_ERR_BODY_TIMEOUT')])
  })

  test('a body that never ends is cut off by the timeout of the whole request', async () => {
    const { url } = await speaking(socket => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n')
      const drip = setInterval(() => socket.write(' '), 10)
      socket.on('close', () => clearInterval(drip))
    })
    const { call } = callerOf(url, { timeout: 100 })
    expect(await failureOf(call())).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('(TimeoutError)'),
    })
  })

  test('ECONNREFUSED names the address that was tried', async () => {
    const url = await refused()
    const { host } = new URL(url)
    expect(await failureOf(callerOf(url).call())).toMatchObject({
      code: 'NETWORK',
      message: `${host}: nothing listens there (ECONNREFUSED ${host})`,
    })
  })

  test('an aborted request is a DEADLINE fault', async () => {
    const deadline = new AbortController()
    const { url } = await speaking(() => deadline.abort())
    expect(await failureOf(callerOf(url).call(deadline.signal))).toMatchObject({ code: 'DEADLINE', exit: 75 })
    expect(await failureOf(callerOf(url).call(AbortSignal.abort()))).toMatchObject({ code: 'DEADLINE' })
  })

  test('an invalid request of our own is a bug and no fault', async () => {
    const { url } = await answering(() => ({ body: '{}' }))
    const error = await failureOf(callerOf(url, { region: 'ap\nguangzhou' }).call())
    expect(error).not.toBeInstanceOf(Fault)
    expect(error).toBeInstanceOf(Error)
  })
})

test.each([
  ['ENOTFOUND', { hostname: 'ssl.exmaple.com' }, 'NETWORK', 'no such name (ENOTFOUND ssl.exmaple.com)'],
  ['EAI_AGAIN', {}, 'NETWORK', 'the name could not be looked up (EAI_AGAIN)'],
  [
    'EHOSTUNREACH',
    { address: '192.0.2.1', port: 443 },
    'NETWORK',
    'not reached (EHOSTUNREACH 192.0.2.1:443)',
  ],
  ['UND_ERR_CONNECT_TIMEOUT', {}, 'TIMEOUT', 'no answer in time (UND_ERR_CONNECT_TIMEOUT)'],
  ['CERT_HAS_EXPIRED', {}, 'TLS', 'its certificate was not accepted: it has expired (CERT_HAS_EXPIRED)'],
  ['CRL_HAS_EXPIRED', {}, 'TLS', 'its certificate was not accepted (CRL_HAS_EXPIRED)'],
  [
    'Z_DATA_ERROR',
    {},
    'REPLY_UNREADABLE',
    'the answer cannot be read: its compression is broken (Z_DATA_ERROR)',
  ],
  ['ERR_SSL_WRONG_VERSION_NUMBER', {}, 'TLS', 'the TLS handshake failed (ERR_SSL_WRONG_VERSION_NUMBER)'],
])('%s is explained in words', (code, more, expected, words) => {
  const error = Object.assign(new Error('text of the error'), { code, ...more })
  const fault = networkFault(error, new URL('https://ssl.tencentcloudapi.com'), undefined)
  expect(fault).toMatchObject({ code: expected, message: `ssl.tencentcloudapi.com: ${words}` })
})
