import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { secret } from '../../src/secret.ts'
import { authorization, canonicalRequest, type Signable, signature } from '../../src/tencent/signature.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const CVM_BODY = String.raw`{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`
const cvm = (extra: Record<string, string> = {}, payload = CVM_BODY): Signable => ({
  headers: { 'content-type': 'application/json; charset=utf-8', host: 'cvm.tencentcloudapi.com', ...extra },
  payload,
  timestamp: 1551113065,
  service: 'cvm',
})

const UPLOAD_BODY = String.raw`{"CertificatePublicKey":"PEM\n","CertificatePrivateKey":"KEY\n","Alias":"测试/é","Repeatable":false}`
const ssl = (
  host: string,
  timestamp: number,
  payload: string,
  extra: Record<string, string> = {},
): Signable => ({
  headers: { 'content-type': 'application/json', host, ...extra },
  payload,
  timestamp,
  service: 'ssl',
})

const MASKED_KEY = 'Gu5t9xGARNpq86cd98joQYCN3*******'
const EXAMPLE_KEY = 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE'
const HOST = 'ssl.tencentcloudapi.com'

// A, B and C are published by Tencent (A and C with the asterisks as actual key characters); the others were
// computed from the published algorithm and cover UTF-8 bodies, the turn of a UTC day, GET and unsigned payloads.
const VECTORS: ReadonlyArray<readonly [string, Signable, string, string, string]> = [
  [
    'A, the older mainland document',
    cvm(),
    MASKED_KEY,
    '5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031',
    '2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c',
  ],
  [
    'B, the international document',
    cvm(),
    EXAMPLE_KEY,
    '5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031',
    '72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168',
  ],
  [
    'C, with the action signed',
    cvm({ 'x-tc-action': 'DescribeInstances' }),
    '*'.repeat(32),
    '7019a55be8395899b900fb5564e4200d984910f34794a27cb3fb7d10ff6a1e84',
    '10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f',
  ],
  [
    'D, a body in raw UTF-8',
    cvm({}, CVM_BODY.replace(String.raw`\u672a\u547d\u540d`, '未命名')),
    EXAMPLE_KEY,
    'b46fdb15a3b19b9751960fc600d759f1962f2d696d6ac26011a09db2ad830f9a',
    '57ed31a395c63c472410096cc67e56aa39aa2b06b960d4f31beea21236106ca9',
  ],
  [
    'E, the last second of a UTC year',
    ssl(HOST, 1767225599, UPLOAD_BODY),
    EXAMPLE_KEY,
    '7619653fe43cc58ad1d622635deebb0c7e5cddfce8670cf0390f4ecef80c12ff',
    'ce76f7a2bf134a8c00d8c49da5b3010b1702b0faa6e5b7f76029e5a8101c5ca9',
  ],
  [
    'F, the international host with the action signed',
    ssl('ssl.intl.tencentcloudapi.com', 1767225599, UPLOAD_BODY, { 'x-tc-action': 'UploadCertificate' }),
    EXAMPLE_KEY,
    'e9d96786feeaabddb7ad2680d6b31af9802842476fb1fc49e8ca8a320e3e9449',
    '59063b7f742f1fb63386262d4d69f636be0cdefc73b70320a50ca868a658dd92',
  ],
  [
    'G, the first second of a UTC year',
    ssl(HOST, 1767225600, '{}'),
    EXAMPLE_KEY,
    '5487748653c0f4e0e7d3c99d30cdde60a06f312667f1d599fada7fb15816a1a6',
    '6818fbb9ee0ca70cbcc28a3293415eb50612db424e70c167c3c9ab44c67e740f',
  ],
  [
    'H, a GET',
    {
      method: 'GET',
      query: 'Alias=a%20b&CertificateId=a92b1Z1i',
      headers: { 'content-type': 'application/x-www-form-urlencoded', host: HOST },
      payload: '',
      timestamp: 1767225600,
      service: 'ssl',
    },
    EXAMPLE_KEY,
    '6741913176ae90591de490b67624efcc272268188a7f8657e312ac6ac61315c9',
    '3461f1543041ec4d8d3427b0df5b165504969930d3463e791b9b46bea87484fc',
  ],
  [
    'I, an unsigned payload',
    ssl(HOST, 1767225600, 'UNSIGNED-PAYLOAD'),
    EXAMPLE_KEY,
    '76d7d31751ab6c2d5b46cfd57e27312c9c0b517041c42a276523fb04073a964a',
    '1fc3258561e5b06f2f14610e4386ab0b70455fb5551d5878c9aefc572722f60f',
  ],
]

describe('a request is signed as Tencent Cloud signs it', () => {
  test.each(VECTORS)('vector %s', (_name, request, key, canonicalHash, expected) => {
    expect(sha256(canonicalRequest(request))).toBe(canonicalHash)
    expect(signature(request, secret(key))).toBe(expected)
  })

  test('the header names credential, scope and signed headers in the published form', () => {
    expect(authorization(cvm(), 'AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE', secret(EXAMPLE_KEY))).toBe(
      'TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, ' +
        'SignedHeaders=content-type;host, ' +
        'Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168',
    )
  })
})
