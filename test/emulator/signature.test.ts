import { describe, expect, test } from 'vitest'
import { NOON, openEmulator, type TestRequest } from './client.ts'

const SECONDS = NOON / 1000
const codeOf = async (request: TestRequest) =>
  (await (await openEmulator()).send({ action: 'DescribeCertificates', ...request })).code

describe('accepts a signature', () => {
  const host = 'ssl.tencentcloudapi.com'
  test.each<[string, TestRequest]>([
    ['over content type and host', {}],
    [
      'over the host without its port, as the official SDK signs it',
      { signed: { headers: { host: '127.0.0.1' } } },
    ],
    ['over the Host header, whatever it says', { headers: { host }, signed: { headers: { host } } }],
    ['over more headers than needed', { signed: { headers: { 'x-tc-action': 'DescribeCertificates' } } }],
    ['with a charset in the content type', { contentType: 'application/json; charset=utf-8' }],
    ['with other white space in its header', { change: header => header.replaceAll(', ', '  ,   ') }],
    ['over text that is not ASCII', { body: { SearchKey: '测试/é' } }],
    ['300 seconds in the past', { timestamp: SECONDS - 300 }],
    ['300 seconds in the future', { timestamp: SECONDS + 300 }],
  ])('%s', async (_, request) => {
    expect(await codeOf(request)).toBe('OK')
  })

  test('dated by UTC, on both sides of midnight', async () => {
    for (const now of [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1) - 1000]) {
      const { send } = await openEmulator({ now: () => now })
      expect((await send({ action: 'DescribeCertificates', timestamp: now / 1000 })).code).toBe('OK')
    }
  })
})

describe('refuses a signature', () => {
  test.each<[string, TestRequest]>([
    ['made with another key', { secretKey: 'another' }],
    ['over another body', { signed: { payload: '{ }' } }],
    ['over another host', { signed: { headers: { host: 'ssl.tencentcloudapi.com' } } }],
    ['over another content type', { signed: { headers: { 'content-type': 'text/plain' } } }],
    ['over another action', { signed: { headers: { 'x-tc-action': 'UploadCertificate' } } }],
    ['over a header that was not sent', { signed: { headers: { 'x-tc-token': 'none' } } }],
    ['for another service', { signed: { service: 'cvm' } }],
    ['for another second than the header has', { headers: { 'x-tc-timestamp': String(SECONDS + 1) } }],
    ['with its date changed', { change: header => header.replace('2026-06-15', '2026-06-16') }],
    ['with its service changed', { change: header => header.replace('/ssl/', '/cvm/') }],
    [
      'with its headers out of order',
      { change: header => header.replace('content-type;host', 'host;content-type') },
    ],
  ])('%s', async (_, request) => {
    expect(await codeOf(request)).toBe('AuthFailure.SignatureFailure')
  })

  test.each([-301, 301])('%i seconds away', async seconds => {
    expect(await codeOf({ timestamp: SECONDS + seconds })).toBe('AuthFailure.SignatureExpire')
  })
})

describe('refuses an Authorization header', () => {
  test.each<[string, (header: string) => string | undefined]>([
    ['that is missing', () => undefined],
    ['of another algorithm', header => header.replace('TC3', 'TC1')],
    ['without a scope', header => header.replace('/ssl/tc3_request', '')],
    ['that does not sign host', header => header.replace(';host', '')],
    ['that does not sign content-type', header => header.replace('content-type;', '')],
    ['with a truncated signature', header => header.slice(0, -1)],
  ])('%s', async (_, change) => {
    expect(await codeOf({ change })).toBe('AuthFailure.InvalidAuthorization')
  })
})
