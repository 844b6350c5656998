import { describe, expect, test } from 'vitest'
import { NOON, type Question } from './client.ts'
import { running } from './emulatorFixture.ts'

const SECONDS = NOON / 1000
const LIST = { action: 'DescribeCertificates' }

const codeOf = async (question: Question) => (await (await running()).ask({ ...LIST, ...question })).code
const FAILS = 'AuthFailure.SignatureFailure'

describe('a signature is accepted', () => {
  test('over content-type and host', async () => {
    expect(await codeOf({})).toBe('OK')
  })
  test('over the host without its port, as the official SDK signs it', async () => {
    expect(await codeOf({ signed: { headers: { host: '127.0.0.1' } } })).toBe('OK')
  })
  test('over the real host, when that is what the Host header says', async () => {
    const host = 'ssl.tencentcloudapi.com'
    expect(await codeOf({ headers: { host }, signed: { headers: { host } } })).toBe('OK')
  })
  test('over more headers than it must, with values in lower case', async () => {
    expect(await codeOf({ signed: { headers: { 'x-tc-action': 'DescribeCertificates' } } })).toBe('OK')
  })
  test('with a charset in the content type', async () => {
    expect(await codeOf({ contentType: 'application/json; charset=utf-8' })).toBe('OK')
  })
  test('over UNSIGNED-PAYLOAD, when the request says so', async () => {
    const unsigned = { signed: { payload: 'UNSIGNED-PAYLOAD' } }
    expect(await codeOf({ ...unsigned, headers: { 'x-tc-content-sha256': 'UNSIGNED-PAYLOAD' } })).toBe('OK')
    expect(await codeOf(unsigned)).toBe(FAILS)
  })
  test('whatever the white space between the parts of its header', async () => {
    const { ask } = await running()
    const spaced = (change: (header: string) => string) => ask({ ...LIST, bend: change })
    expect((await spaced(header => header.replaceAll(', ', ','))).code).toBe('OK')
    expect((await spaced(header => header.replaceAll(', ', '  ,   '))).code).toBe('OK')
  })
  test('over bytes that are not ASCII', async () => {
    expect(await codeOf({ body: { SearchKey: '测试/é' } })).toBe('OK')
  })
})

describe('a signature is refused', () => {
  test.each<[string, Question]>([
    ['made with another key', { secretKey: 'another' }],
    [
      'made with a key that has a newline pasted to it',
      { secretKey: 'not-a-secret-opens-only-the-emulator\n' },
    ],
    ['over another body', { signed: { payload: '{ }' } }],
    ['over another host', { signed: { headers: { host: 'ssl.tencentcloudapi.com' } } }],
    [
      'over another content type than the one sent',
      { signed: { headers: { 'content-type': 'text/plain' } } },
    ],
    [
      'over another action than the one asked for',
      { signed: { headers: { 'x-tc-action': 'UploadCertificate' } } },
    ],
    ['over a header that was not sent', { signed: { headers: { 'x-tc-token': 'none' } } }],
    ['for another service', { signed: { service: 'cvm' } }],
    ['for another second than the header says', { headers: { 'x-tc-timestamp': String(SECONDS + 1) } }],
  ])('%s', async (_, question) => {
    expect(await codeOf(question)).toBe(FAILS)
  })

  test.each<[string, (header: string) => string]>([
    ['with its date moved', header => header.replace('2026-06-15', '2026-06-16')],
    ['with its scope’s service changed', header => header.replace('/ssl/', '/cvm/')],
    [
      'with its headers listed out of order',
      header => header.replace('content-type;host', 'host;content-type'),
    ],
    ['with a name in upper case', header => header.replace('content-type;', 'Content-Type;content-type;')],
  ])('%s', async (_, bend) => {
    expect(await codeOf({ bend })).toBe(FAILS)
  })
})

describe('an Authorization header is malformed', () => {
  test.each<[string, (header: string) => string | undefined]>([
    ['when it is not there', () => undefined],
    ['when it says SKIP', () => 'SKIP'],
    ['with another algorithm', header => header.replace('TC3', 'TC1')],
    ['without a scope', header => header.replace('/ssl/tc3_request', '')],
    ['when host is not signed', header => header.replace(';host', '')],
    ['when content-type is not signed', header => header.replace('content-type;', '')],
    ['with a signature cut short', header => header.slice(0, -1)],
  ])('%s', async (_, bend) => {
    expect(await codeOf({ bend })).toBe('AuthFailure.InvalidAuthorization')
  })
})

describe('the clock', () => {
  test.each([
    [-300, 'OK'],
    [300, 'OK'],
    [-301, 'AuthFailure.SignatureExpire'],
    [301, 'AuthFailure.SignatureExpire'],
  ])('a difference of %i seconds: %s', async (seconds, code) => {
    expect(await codeOf({ timestamp: SECONDS + seconds })).toBe(code)
  })
  test('a request is dated by UTC, on both sides of its midnight', async () => {
    for (const midnight of [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1) - 1000]) {
      const { ask } = await running({ now: () => midnight })
      expect((await ask({ ...LIST, timestamp: midnight / 1000 })).code).toBe('OK')
    }
  })
})

describe('GET', () => {
  const get = (query: string, more: Question = {}): Question => ({
    action: 'DescribeCertificateDetail',
    method: 'GET',
    target: `/?${query}`,
    contentType: 'application/x-www-form-urlencoded',
    ...more,
  })
  test('carries its parameters in the query string, signed', async () => {
    expect(await codeOf(get('CertificateId=a92b1Z1i'))).toBe('FailedOperation.CertificateNotFound')
    expect(await codeOf(get('Other=a%20b'))).toBe('MissingParameter')
  })
  test('flattens lists and numbers', async () => {
    const { ask } = await running()
    const query = 'CertIds.0=a92b1Z1i&CertificateStatus.0=1&Limit=5&Tags.0.TagKey=a&Tags.0.TagValue=b%20c'
    const listing = { action: 'DescribeCertificates' }
    expect((await ask(get(query, listing))).response).toMatchObject({ TotalCount: 0 })
    expect((await ask(get('Limit=five', listing))).code).toBe('InvalidParameter')
    expect((await ask(get('Tags.0.TagKey=a', listing))).code).toBe('MissingParameter')
  })
  test('takes 32 KB at most', async () => {
    expect(await codeOf(get(`CertificateId=${'a'.repeat(32 * 1024)}`))).toBe('RequestSizeLimitExceeded')
  })
  test('does not go with a JSON content type, nor POST with a form’s', async () => {
    expect(await codeOf(get('CertificateId=a', { contentType: 'application/json' }))).toBe('InvalidParameter')
    expect(await codeOf({ contentType: 'application/x-www-form-urlencoded' })).toBe('InvalidParameter')
  })
})
