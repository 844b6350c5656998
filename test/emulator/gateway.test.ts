import { describe, expect, test } from 'vitest'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { leaf } from './certificatePairs.ts'
import { NOON, type Question } from './client.ts'
import { running } from './emulatorFixture.ts'

const SECONDS = NOON / 1000
const PAIR = { CertificatePublicKey: leaf.pem, CertificatePrivateKey: leaf.keyPem }
const accounts = {
  [DEMO_CREDENTIALS.secretId]: {
    secretKey: DEMO_CREDENTIALS.secretKey,
    token: 'of today',
    denied: ['UploadCertificate', 'NoSuchAction'],
  },
}

/**
 * One fault for each step, in the order of the gateway's checks. Every case carries its own fault and all the
 * later ones it can carry, so that each row also proves that its check comes before those below it.
 */
const token = (value: string | undefined): Question => ({ headers: { 'x-tc-token': value } })
const FAULTS: ReadonlyArray<readonly [code: string, fault: Question]> = [
  ['UnsupportedProtocol', { method: 'PUT' }],
  ['InvalidRequest', { target: '/ssl' }],
  ['RequestSizeLimitExceeded', { body: ' '.repeat(10 * 1024 * 1024 + 1) }],
  ['MissingParameter', { headers: { 'x-tc-action': undefined } }],
  ['MissingParameter', { headers: { 'x-tc-version': undefined } }],
  ['MissingParameter', { headers: { 'x-tc-timestamp': undefined } }],
  ['AuthFailure.InvalidAuthorization', { headers: { authorization: 'TC3-HMAC-SHA256 Credential=me' } }],
  ['AuthFailure.SignatureExpire', { timestamp: SECONDS - 301 }],
  ['AuthFailure.SecretIdNotFound', { secretId: 'nobody' }],
  ['AuthFailure.TokenFailure', token('of yesterday')],
  ['AuthFailure.SignatureFailure', { secretKey: 'another key' }],
  ['RequestLimitExceeded', {}], // at this point the emulator's rate of nothing a second
  ['NoSuchVersion', { headers: { 'x-tc-version': '2018-04-26' } }],
  ['InvalidAction', { action: 'NoSuchAction' }],
  ['InvalidParameterValue', { headers: { 'x-tc-region': '' } }],
  ['AuthFailure.UnauthorizedOperation', {}],
]

/** The first fault to speak of a thing decides it. */
function merged(faults: readonly Question[]): Question {
  const backwards = faults.toReversed()
  const headers = Object.assign({}, ...backwards.map(fault => fault.headers))
  return Object.assign({}, ...backwards, { headers })
}

describe('the order of the checks', () => {
  test.each(FAULTS.map(([code], i) => [i, code] as const))(
    '%i: %s outranks all that follow',
    async (i, code) => {
      const rate = i <= 11 ? 0 : Number.POSITIVE_INFINITY
      const { ask } = await running({ rate, accounts })
      const faults = [...FAULTS.slice(i).map(([, fault]) => fault), token('of today'), { body: 'no JSON' }]
      expect((await ask(merged(faults))).code).toBe(code)
    },
  )

  test('a request without any fault comes through', async () => {
    const { call, ask } = await running()
    expect((await ask({ body: 'no JSON' })).code).toBe('InvalidParameter')
    expect((await call('UploadCertificate', PAIR)).code).toBe('OK')
  })
})

describe('every reply', () => {
  test('is HTTP 200 with JSON, a UUID and the Date of the emulator’s clock, failure or not', async () => {
    const { ask, call } = await running()
    for (const reply of [await call('UploadCertificate', PAIR), await ask({ secretKey: 'wrong' })]) {
      expect(reply.status).toBe(200)
      expect(reply.headers['content-type']).toBe('application/json')
      expect(reply.headers.date).toBe('Mon, 15 Jun 2026 12:00:00 GMT')
      expect(reply.response.RequestId).toMatch(/^[0-9a-f-]{36}$/)
    }
  })

  test('speaks Chinese unless English is asked for', async () => {
    const { ask } = await running()
    const wrong = { secretKey: 'wrong' }
    const english = 'The provided credentials could not be validated. Please check your signature is correct.'
    const chinese = '请求签名验证失败，请检查您的签名计算是否正确。'
    const message = async (language: string | undefined) =>
      (await ask({ ...wrong, headers: { 'x-tc-language': language } })).response.Error.Message
    expect(await message('en-US')).toBe(english)
    expect(await message('zh-CN')).toBe(chinese)
    expect(await message(undefined)).toBe(chinese)
  })

  test('names the parameter that is missing and quotes the request id where CAM does', async () => {
    const { ask } = await running({ accounts })
    const missing = await ask({ headers: { 'x-tc-version': undefined } })
    expect(missing.response.Error.Message).toBe('The request is missing a required parameter `Version`.')
    const { response } = await ask(token('of today'))
    expect(response.Error.Message).toContain(`[[request id:${response.RequestId}]`)
    expect(response.Error.Message).toContain('(ssl:UploadCertificate)')
  })
})

describe('temporary credentials', () => {
  test('need their token, and only theirs', async () => {
    const { ask } = await running({ accounts })
    expect((await ask()).code).toBe('AuthFailure.TokenFailure')
    expect((await ask(token('of yesterday'))).code).toBe('AuthFailure.TokenFailure')
    expect((await ask({ ...token('of today'), action: 'DescribeCertificates' })).code).toBe('OK')
  })
  test('are not what a permanent key is: that one takes no token', async () => {
    const { ask } = await running()
    expect((await ask(token('of today'))).code).toBe('AuthFailure.TokenFailure')
  })
})

describe('the gateway is not fooled', () => {
  test('by names every JavaScript object knows', async () => {
    const { ask, call } = await running()
    expect((await ask({ secretId: 'constructor' })).code).toBe('AuthFailure.SecretIdNotFound')
    expect((await call('constructor')).code).toBe('InvalidAction')
    expect((await call('UploadCertificate', { ...PAIR, toString: 1 })).code).toBe('UnknownParameter')
  })
  test('by a timestamp that is no number', async () => {
    const { ask } = await running()
    expect((await ask({ headers: { 'x-tc-timestamp': 'noon' } })).response.Error).toEqual({
      Code: 'InvalidParameter',
      Message: 'The value type of parameter `Timestamp` is not valid',
    })
  })
  test('by an action in another case', async () => {
    const { call } = await running()
    expect((await call('uploadcertificate', PAIR)).code).toBe('InvalidAction')
  })
})

test('a region is not needed, and one that looks like a region does no harm', async () => {
  const { ask } = await running()
  const within = async (region: string) =>
    (await ask({ action: 'DescribeCertificates', headers: { 'x-tc-region': region } })).code
  expect(await within('ap-guangzhou')).toBe('OK')
  expect(await within('nowhere!')).toBe('InvalidParameterValue')
})

test('a body of exactly ten megabytes is not too large', async () => {
  const { ask } = await running()
  const body = `{"Alias":"${' '.repeat(10 * 1024 * 1024 - 12)}"}`
  expect((await ask({ body })).code).toBe('MissingParameter')
})
