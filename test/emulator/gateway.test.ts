import { describe, expect, test } from 'vitest'
import { createRateLimit } from '../../src/emulator/gateway.ts'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { NOON, openEmulator, PAIR, type TestRequest } from './client.ts'

const SECONDS = NOON / 1000
const accounts = {
  [DEMO_CREDENTIALS.secretId]: {
    secretKey: DEMO_CREDENTIALS.secretKey,
    token: 'today',
    denied: ['UploadCertificate', 'NoSuchAction'],
  },
}

/** In the order of the checks. Each case has its own fault and all the later ones, which proves the order. */
const token = (value: string | undefined): TestRequest => ({ headers: { 'x-tc-token': value } })
const FAULTS: ReadonlyArray<readonly [code: string, fault: TestRequest]> = [
  ['UnsupportedProtocol', { method: 'PUT' }],
  ['InvalidRequest', { path: '/ssl' }],
  ['RequestSizeLimitExceeded', { body: ' '.repeat(10 * 1024 * 1024 + 1) }],
  ['MissingParameter', { headers: { 'x-tc-action': undefined } }],
  ['MissingParameter', { headers: { 'x-tc-version': undefined } }],
  ['MissingParameter', { headers: { 'x-tc-timestamp': undefined } }],
  ['AuthFailure.InvalidAuthorization', { headers: { authorization: 'TC3-HMAC-SHA256 Credential=me' } }],
  ['AuthFailure.SignatureExpire', { timestamp: SECONDS - 301 }],
  ['AuthFailure.SecretIdNotFound', { secretId: 'unknown' }],
  ['AuthFailure.TokenFailure', token('yesterday')],
  ['AuthFailure.SignatureFailure', { secretKey: 'another key' }],
  ['RequestLimitExceeded', {}], // up to here the emulator's rate is 0
  ['NoSuchVersion', { headers: { 'x-tc-version': '2018-04-26' } }],
  ['InvalidAction', { action: 'NoSuchAction' }],
  ['InvalidParameterValue', { headers: { 'x-tc-region': '' } }],
  ['AuthFailure.UnauthorizedOperation', {}],
]

function merged(faults: readonly TestRequest[]): TestRequest {
  const backwards = faults.toReversed()
  const headers = Object.assign({}, ...backwards.map(fault => fault.headers))
  return Object.assign({}, ...backwards, { headers })
}

test.each(FAULTS.map(([code], i) => [i, code] as const))(
  'check %i: %s comes before all later faults',
  async (i, code) => {
    const rate = i <= 11 ? 0 : Number.POSITIVE_INFINITY
    const { send } = await openEmulator({ rate, accounts })
    const faults = [...FAULTS.slice(i).map(([, fault]) => fault), token('today'), { body: 'no JSON' }]
    expect((await send(merged(faults))).code).toBe(code)
  },
)

test('a request without a fault is performed', async () => {
  const { call, send } = await openEmulator()
  expect((await send({ body: 'no JSON' })).code).toBe('InvalidParameter')
  expect((await call('UploadCertificate', PAIR)).code).toBe('OK')
})

test('every reply is HTTP 200 with JSON, a UUID and the emulator’s date', async () => {
  const { send, call } = await openEmulator()
  for (const reply of [await call('UploadCertificate', PAIR), await send({ secretKey: 'wrong' })]) {
    expect(reply.status).toBe(200)
    expect(reply.headers['content-type']).toBe('application/json')
    expect(reply.headers.date).toBe('Mon, 15 Jun 2026 12:00:00 GMT')
    expect(reply.response.RequestId).toMatch(/^[0-9a-f-]{36}$/)
  }
})

test('messages are Chinese unless English is asked for', async () => {
  const { send } = await openEmulator()
  const message = async (language: string | undefined) =>
    (await send({ secretKey: 'wrong', headers: { 'x-tc-language': language } })).response.Error.Message
  expect(await message('en-US')).toBe(
    'The provided credentials could not be validated. Please check your signature is correct.',
  )
  expect(await message(undefined)).toBe('请求签名验证失败，请检查您的签名计算是否正确。')
})

test('a denied action is refused with the request ID and the action in the message', async () => {
  const { send } = await openEmulator({ accounts })
  const { response } = await send(token('today'))
  expect(response.Error.Message).toContain(`[[request id:${response.RequestId}]`)
  expect(response.Error.Message).toContain('(ssl:UploadCertificate)')
})

test('temporary credentials need their token; permanent ones take none', async () => {
  const temporary = await openEmulator({ accounts })
  expect((await temporary.send()).code).toBe('AuthFailure.TokenFailure')
  expect((await temporary.send(token('yesterday'))).code).toBe('AuthFailure.TokenFailure')
  expect((await temporary.send({ ...token('today'), action: 'DescribeCertificates' })).code).toBe('OK')
  const permanent = await openEmulator()
  expect((await permanent.send(token('today'))).code).toBe('AuthFailure.TokenFailure')
})

test('a request without headers, as a ping sends it, is answered with the header that is missing', async () => {
  const { url } = await openEmulator()
  const { Response } = (await (await fetch(url)).json()) as { Response: unknown }
  expect(Response).toMatchObject({ Error: { Code: 'MissingParameter' } })
})

test('names that every JavaScript object has are unknown', async () => {
  const { send, call } = await openEmulator()
  expect((await send({ secretId: 'constructor' })).code).toBe('AuthFailure.SecretIdNotFound')
  expect((await call('constructor')).code).toBe('InvalidAction')
  expect((await call('uploadcertificate', PAIR)).code).toBe('InvalidAction')
})

test('a timestamp must be a number, and a region must look like one', async () => {
  const { send } = await openEmulator()
  const withHeader = (name: string, value: string) =>
    send({ action: 'DescribeCertificates', headers: { [name]: value } })
  expect((await withHeader('x-tc-timestamp', 'noon')).code).toBe('InvalidParameter')
  expect((await withHeader('x-tc-region', 'ap-guangzhou')).code).toBe('OK')
  expect((await withHeader('x-tc-region', 'nowhere!')).code).toBe('InvalidParameterValue')
})

test('a body of exactly ten megabytes is not too large', async () => {
  const { send } = await openEmulator()
  const body = `{"Alias":"${' '.repeat(10 * 1024 * 1024 - 12)}"}`
  expect((await send({ body })).code).toBe('MissingParameter')
})

describe('the rate limit', () => {
  const admits = (limit: ReturnType<typeof createRateLimit>, at: number, key = 'a') => {
    try {
      limit.check(key, at)
      return true
    } catch {
      return false
    }
  }

  test('counts in a sliding second', () => {
    const limit = createRateLimit(2)
    const times = [950, 990, 1010, 1100, 1949, 1950]
    expect(times.map(at => admits(limit, at))).toEqual([true, true, false, false, false, true])
  })

  test('does not count refused requests, and counts each key on its own', () => {
    const limit = createRateLimit(1)
    const many = Array.from({ length: 21 }, (_, i) => admits(limit, i * 100))
    expect(many.filter(Boolean)).toHaveLength(3)
    expect(admits(limit, 2000, 'b')).toBe(true)
  })

  test('never admits more than N in any second', () => {
    const limit = createRateLimit(10)
    const times = Array.from({ length: 2000 }, (_, i) => Math.floor(i * 17 + 900 * Math.sin(i)))
    const admitted = times.toSorted((a, b) => a - b).filter(at => admits(limit, at))
    const most = Math.max(...admitted.map(at => admitted.filter(t => t >= at && t < at + 1000).length))
    expect(most).toBe(10)
  })

  test('answers with the codes of gateway and backend in turn, and with real numbers', async () => {
    const { send } = await openEmulator({ rate: 2 })
    const replies = []
    for (let i = 0; i < 5; i += 1) replies.push(await send({ action: 'DescribeCertificates' }))
    expect(replies.map(reply => reply.code)).toEqual([
      'OK',
      'OK',
      'RequestLimitExceeded',
      'LimitExceeded.RateLimitExceeded',
      'RequestLimitExceeded',
    ])
    expect(replies[4]?.response.Error.Message).toContain('equals to `5` in a second')
  })

  test('is ten a second by default, for each action, by the emulator’s clock', async () => {
    let now = NOON
    const { call, entries } = await openEmulator({ rate: undefined, now: () => now } as object)
    for (let i = 0; i < 11; i += 1) await call('DescribeCertificates')
    await call('DeleteCertificate', { CertificateId: 'a92b1Z1i' })
    now += 1000
    await call('DescribeCertificates')
    expect(entries.slice(9).map(({ code }) => code)).toEqual([
      'OK',
      'RequestLimitExceeded',
      'FailedOperation.CertificateNotFound',
      'OK',
    ])
  })

  test('does not count a request with a wrong signature', async () => {
    const { send } = await openEmulator({ rate: 1 })
    await send({ action: 'DescribeCertificates', secretKey: 'wrong' })
    expect((await send({ action: 'DescribeCertificates' })).code).toBe('OK')
  })
})
