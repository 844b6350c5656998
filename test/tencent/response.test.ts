import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import { readReply, redactSent, secretsOf } from '../../src/tencent/response.ts'
import { issue } from '../fixtures/certificates.ts'
import { leaksIn } from '../fixtures/leaks.ts'
import { processorTime } from '../fixtures/processor.ts'
import { faultOf } from '../fixtures/samples.ts'

const ID = '3c140219-cfe9-470e-b241-907877d6fb03'
const response = (fields: unknown) => JSON.stringify({ Response: fields })
const failure = (Code: unknown, Message?: unknown) => response({ Error: { Code, Message }, RequestId: ID })

test('success is an envelope with a request ID and without an Error', () => {
  const fields = { CertificateId: 'a92b1Z1i', RepeatCertId: '', RequestId: ID, DeprecatedWarning: 'soon' }
  expect(readReply(200, response(fields))).toEqual({ requestId: ID, fields })
  expect(readReply(200, response({ ...fields, Error: null })).requestId).toBe(ID)
  expect(readReply(200, `\n${response(fields)}\n`).requestId).toBe(ID)
})

test('a success may have a status of 201 to 203 and a byte order mark', () => {
  const body = response({ CertificateId: 'a92b1Z1i', RequestId: ID })
  for (const status of [201, 202, 203]) expect(readReply(status, body).requestId).toBe(ID)
  expect(readReply(200, `\uFEFF${body}`).requestId).toBe(ID)
})

describe('an Error in the body', () => {
  test.each([200, 400, 429, 503])('decides before the HTTP status %i', status => {
    const fault = faultOf(() =>
      readReply(status, failure('RequestLimitExceeded', 'Your current request times …')),
    )
    expect(fault).toMatchObject({
      code: 'API_THROTTLED',
      apiCode: 'RequestLimitExceeded',
      requestId: ID,
      message: 'the service answered RequestLimitExceeded: Your current request times …',
    })
  })

  test('decides beside a certificate ID, and without a request ID', () => {
    const body = response({ CertificateId: 'a92b1Z1i', Error: { Code: 'InternalError', Message: 'x' } })
    expect(faultOf(() => readReply(200, body))).toMatchObject({
      code: 'API_UNAVAILABLE',
      requestId: undefined,
    })
  })

  test('becomes one readable line', () => {
    const message = `操作未授权，请检查CAM策略。[[request id:x]\nno\u001b[31m]${'x'.repeat(9999)}`
    const fault = faultOf(() => readReply(200, failure('AuthFailure.UnauthorizedOperation', message)))
    expect(fault.message).toMatch(/^the service answered AuthFailure\.UnauthorizedOperation: 操作未授权/)
    expect(fault.message).not.toMatch(/\p{Cc}/u)
    expect(fault.message.length).toBeLessThan(600)
  })

  test('is shown without a private key', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nMIIsecret\n-----END PRIVATE KEY-----'
    const fault = faultOf(() => readReply(200, failure(`Odd ${key}`, `bad parameter ${key} and "MIIx"`)))
    expect(JSON.stringify([fault, fault.message, fault.apiCode])).not.toContain('MIIsecret')
    expect(fault.message).toContain('bad parameter [secret] and')
  })
})

describe('an Error of another form', () => {
  test.each([
    ['no code', {}],
    ['a code of another type', { Code: 7, Message: 'x' }],
    ['an empty code', { Code: '', Message: 'x' }],
    ['text', 'RequestLimitExceeded'],
    ['a list', []],
    ['false', false],
  ])('is a fault: %s', (_, error) => {
    const body = response({ Error: error, CertificateId: 'a92b1Z1i', RequestId: ID })
    expect(faultOf(() => readReply(200, body))).toMatchObject({
      code: 'REPLY_UNREADABLE',
      message: "the answer was an error without a code, not the service's",
    })
  })

  test.each<readonly [unknown]>([[null], [7], [{}], [[]], [{ toString: 1, valueOf: 1 }]])(
    'has an empty message instead of %j',
    message => {
      expect(faultOf(() => readReply(200, failure('InternalError', message))).message).toBe(
        'the service answered InternalError: ',
      )
    },
  )
})

describe('any other answer', () => {
  const html = '<html><body>502 Bad Gateway</body></html>'
  test.each([
    ['HTML', 200, html, "the answer was a page of HTML, not the service's"],
    ['a bad gateway', 502, html, "the answer was HTTP 502, not the service's"],
    ['empty', 200, '', "the answer was empty, not the service's"],
    ['an empty error', 503, '', "the answer was HTTP 503, not the service's"],
    ['a redirect', 307, '', 'the answer was a redirect (HTTP 307), and the private key follows none'],
    [
      'truncated',
      200,
      failure('x').slice(0, -3),
      "the answer was JSON that is cut off or of another form, not the service's",
    ],
    [
      'foreign JSON',
      200,
      '{"ok":true}',
      "the answer was JSON that is cut off or of another form, not the service's",
    ],
    ['a list', 200, '[]', "the answer was of an unknown kind, not the service's"],
    ['null', 200, 'null', "the answer was of an unknown kind, not the service's"],
    ['text', 200, 'OK', "the answer was of an unknown kind, not the service's"],
    ['the old envelope', 200, '{"code":4100,"message":"x","codeDesc":"AuthFailure"}', undefined],
    ['a Response of null', 200, response(null), undefined],
    ['a Response that is a list', 200, response([]), undefined],
    ['no request ID', 200, response({ CertificateId: 'a92b1Z1i' }), undefined],
    ['a request ID of another type', 200, response({ CertificateId: 'x', RequestId: 7 }), undefined],
    ['success with the status of a failure', 500, response({ CertificateId: 'x', RequestId: ID }), undefined],
    [
      'success with the status of a redirect',
      302,
      response({ CertificateId: 'x', RequestId: ID }),
      undefined,
    ],
    ['another success that says nothing', 204, '', "the answer was HTTP 204, not the service's"],
  ])('is unreadable: %s', (_, status, body, message) => {
    const fault = faultOf(() => readReply(status, body))
    expect(fault).toMatchObject({ code: 'REPLY_UNREADABLE', retry: 'backoff', exit: 75 })
    if (message) expect(fault.message).toBe(message)
  })

  test('has advice about proxies unless a gateway reports its own failure', () => {
    const adviceOf = (status: number) => faultOf(() => readReply(status, html)).advice
    expect(adviceOf(502)).toMatch(/is failing; the next run tries again/)
    for (const status of [200, 307, 403]) expect(adviceOf(status)).toMatch(/check proxy and endpoint/)
  })

  test('with any status and any JSON is a reply or a fault', () => {
    const member = fc.oneof(fc.jsonValue(), fc.constant(null), fc.string())
    const envelope = fc.record(
      { Error: member, RequestId: member, CertificateId: member },
      { requiredKeys: [] },
    )
    const any = fc.oneof(
      fc.string(),
      fc.json(),
      envelope.map(response),
      fc.record({ Code: member, Message: member }).map(error => response({ Error: error })),
    )
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), any, (status, body) => {
        try {
          expect(readReply(status, body).requestId).toBeTypeOf('string')
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
        }
      }),
    )
  })

  test('of a megabyte is read within moments', () => {
    const spent = processorTime(() => {
      faultOf(() => readReply(200, failure('InternalError', ' '.repeat(1 << 20))))
      faultOf(() => readReply(200, failure('-'.repeat(1 << 20), '-----BEGIN A'.repeat(1 << 16))))
    })
    expect(spent).toBeLessThan(3_000)
  })
})

const { key, chain } = await issue()
const PASSWORD = 'correct horse'
const body = JSON.stringify({
  CertificatePublicKey: chain,
  CertificatePrivateKey: key,
  KeyPassword: PASSWORD,
})

describe('a reply that quotes what was sent', () => {
  test.each([
    ['as it was', body],
    ['as JSON in JSON', JSON.stringify(body)],
    ['the key without its first and last line', key.split('\n').slice(1, -2).join(' ')],
    ['the key on one line', key.replaceAll('\n', '')],
    ['the password', `wrong password: ${PASSWORD}`],
  ])('loses key and password: %s', (_, quoted) => {
    const text = redactSent(secretsOf(JSON.parse(body)))(`not accepted: ${quoted}`)
    expect(text).toMatch(/^not accepted: .*\[secret\]/s)
    expect(leaksIn(text.replaceAll('PRIVATE KEY-----', ''), { keys: [key], secrets: [PASSWORD] })).toEqual([])
  })

  test.each(['Message', 'Code', 'RequestId', 'CertificateId'])('loses the token in any field: %s', place => {
    const text = JSON.stringify({
      Response: { RequestId: 'r', CertificateId: 'c', [place]: 'token-of-the-account' },
    })
    const { fields } = readReply(200, text, redactSent(['token-of-the-account']))
    expect(fields[place]).toBe('[secret]')
  })

  test('loses the token in its error, also escaped', () => {
    const escaped = [...'token-of-the-account'].map(c => `\\u00${c.charCodeAt(0).toString(16)}`).join('')
    const text = `{"Response":{"Error":{"Code":"X.${escaped}","Message":"${escaped}"},"RequestId":"${escaped}"}}`
    const read = () => readReply(200, text, redactSent(['token-of-the-account']))
    expect(read).toThrow(
      expect.objectContaining({
        message: 'the service answered X.[secret]: [secret]',
        requestId: '[secret]',
      }),
    )
  })
})

test('a secret as short as a word is left in a reply', () => {
  expect(redactSent(['', 'key', '-----BEGIN PRIVATE KEY-----'])('the key is not accepted')).toBe(
    'the key is not accepted',
  )
  expect(secretsOf({ Limit: 1 }).filter(Boolean)).toEqual([])
})
