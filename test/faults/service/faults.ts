/** What a service, a gateway or a network may do to a request in place of an honest reply. */
import { deflateSync, gzipSync } from 'node:zlib'
import type { FaultCode } from '../../../src/errors.ts'
import { type Exchange, type Injection, type Reply, respond } from './faultInjectingProxy.ts'

export interface ServiceFault {
  readonly fault: string
  readonly how: string
  /** The code in the log; undefined where the fault does no harm. */
  readonly code: FaultCode | undefined
  readonly apiCode?: string
  readonly injection: Injection
}

const JSON_TYPE = { 'content-type': 'application/json' }
const HTML = '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\r\n'

type PartialReply = Partial<Omit<Reply, 'body'>> & { readonly body?: string | Buffer }

const complete = ({ status = 200, headers = JSON_TYPE, body = '' }: PartialReply): Reply => ({
  status,
  headers,
  body: Buffer.from(body),
})

/** Nothing is carried out. */
export const instead =
  (reply: PartialReply): Injection =>
  ({ response }) =>
    respond(response, complete(reply))

type Change = (honest: string) => PartialReply

/** Carried out, with another reply. */
const afterwards =
  (change: Change): Injection =>
  async ({ forward, response }) =>
    respond(response, complete(change((await forward()).body.toString())))

export const refusal = (apiCode: string, message: string): Injection =>
  instead({
    body: JSON.stringify({ Response: { Error: { Code: apiCode, Message: message }, RequestId: 'r-1' } }),
  })

const [DONE, UNDONE] = ['carried out, then answered so', 'answered so, nothing carried out'] as const

const unreadable = (fault: string, how: string, injection: Injection): ServiceFault => ({
  fault,
  how,
  code: 'REPLY_UNREADABLE',
  injection,
})

const LIMIT = 'Your current request times equals to `11` in a second, which exceeds the frequency limit `10`.'
const THROTTLES = [
  'RequestLimitExceeded',
  'RequestLimitExceeded.GlobalRegionUinLimitExceeded',
  'RequestLimitExceeded.IPLimitExceeded',
  'RequestLimitExceeded.UinLimitExceeded',
  'LimitExceeded.RateLimitExceeded',
].map(
  (apiCode): ServiceFault => ({
    fault: `throttle ${apiCode}`,
    how: UNDONE,
    code: 'API_THROTTLED',
    apiCode,
    injection: refusal(apiCode, LIMIT),
  }),
)

const UNAVAILABLE = ['InternalError', 'ServiceUnavailable', 'FailedOperation.NetworkError'].map(
  (apiCode): ServiceFault => ({
    fault: apiCode,
    how: UNDONE,
    code: 'API_UNAVAILABLE',
    apiCode,
    injection: refusal(apiCode, 'Please try again later.'),
  }),
)

const GATEWAY: ReadonlyArray<readonly [string, PartialReply]> = [
  ['502 with a page of HTML', { status: 502, headers: { 'content-type': 'text/html' }, body: HTML }],
  ['200 with a page of HTML', { headers: { 'content-type': 'text/html' }, body: HTML }],
  ['503 without a body', { status: 503 }],
]

const encoded = (encoding: string, body: Buffer | string) => ({
  headers: { ...JSON_TYPE, 'content-encoding': encoding },
  body,
})
/** 64 MiB of blanks in 64 KiB. */
const BOMB = gzipSync(Buffer.alloc(64 << 20, 32))

const AFTERWARDS: ReadonlyArray<readonly [string, Change]> = [
  ['502 with a page of HTML, after commit', () => ({ status: 502, body: HTML })],
  ['an empty answer', () => ({})],
  ['204', () => ({ status: 204, headers: {} })],
  ['JSON cut in half', honest => ({ body: honest.slice(0, honest.length / 2) })],
  ['an answer of 2 MiB', () => ({ body: Buffer.alloc(2 << 20, '{"Response":{"a":"') })],
  ['an answer of 2 MiB in which the ID stands', honest => ({ body: honest + ' '.repeat(2 << 20) })],
  ['gzip cut in half', honest => encoded('gzip', gzipSync(honest).subarray(0, 40))],
  ['a gzip bomb of 64 MiB', () => encoded('gzip', BOMB)],
  ['JSON null', () => ({ body: 'null' })],
  ['a list for an envelope', () => ({ body: '[]' })],
]

const HARMLESS: ReadonlyArray<readonly [string, Change]> = [
  ['invalid gzip', honest => encoded('gzip', honest)],
  ['gzip', honest => encoded('gzip', gzipSync(honest))],
  ['deflate', honest => encoded('deflate', deflateSync(honest))],
]

/** Each changes the value of `Response`. */
const RESPONSES: ReadonlyArray<readonly [string, (own: Readonly<Record<string, unknown>>) => unknown]> = [
  ['null for a Response', () => null],
  ['text for a Response', () => 'ok'],
  ['a number for a RequestId', own => ({ ...own, RequestId: 7 })],
  ['a number for an ID', own => ({ ...own, CertificateId: 7, RepeatCertId: 7 })],
  ['a list for an ID', own => ({ ...own, CertificateId: [own.CertificateId], RepeatCertId: {} })],
  ['null IDs', own => ({ ...own, CertificateId: null, RepeatCertId: null })],
  ['empty IDs', own => ({ ...own, CertificateId: '', RepeatCertId: '' })],
  ['no IDs', ({ RequestId }) => ({ RequestId })],
  ['an Error that is text', own => ({ ...own, Error: 'busy' })],
  ['an Error without a code', ({ RequestId }) => ({ RequestId, Error: { Code: null, Message: null } })],
]

export const REPLIES: readonly ServiceFault[] = [
  ...THROTTLES,
  ...UNAVAILABLE,
  ...GATEWAY.map(([fault, reply]) => unreadable(fault, UNDONE, instead(reply))),
  ...AFTERWARDS.map(([fault, change]) => unreadable(fault, DONE, afterwards(change))),
  ...HARMLESS.map(([fault, change]) => ({
    fault,
    how: 'carried out, the answer compressed',
    code: undefined,
    injection: afterwards(change),
  })),
  ...RESPONSES.map(([fault, change]) =>
    unreadable(
      fault,
      DONE,
      afterwards(honest => ({ body: JSON.stringify({ Response: change(JSON.parse(honest).Response) }) })),
    ),
  ),
]

/** Replies that lead to another server, where a private key would be welcome. */
export const redirectsTo = (location: string): readonly ServiceFault[] =>
  [301, 302, 303, 307, 308].map(status =>
    unreadable(
      `a redirect, ${status}`,
      'answered with the address of another server',
      instead({ status, headers: { location } }),
    ),
  )

/** Writes bytes past the rules of HTTP, after the request has been carried out or without. */
const raw =
  (bytes: string, end: (exchange: Exchange) => unknown, done = false): Injection =>
  async exchange => {
    if (done) await exchange.forward()
    exchange.socket.write(bytes, () => void end(exchange))
  }
const reset = ({ socket }: Exchange) => socket.resetAndDestroy()
const hangUp = ({ socket }: Exchange) => socket.end()

const broken = (fault: string, how: string, injection: Injection): ServiceFault => ({
  fault,
  how,
  code: 'NETWORK',
  injection,
})

const HALF_HEADER = 'HTTP/1.1 200 OK\r\ncontent-'
const HALF_BODY = `${HALF_HEADER}type: application/json\r\ncontent-length: 500\r\n\r\n{"Response"`
const ENDLESS_HEADER = `HTTP/1.1 200 OK\r\n${'x-more: of the same\r\n'.repeat(10_000)}`

/** Connections that end before the reply does, or in which something else is spoken. */
export const BREAKS: readonly ServiceFault[] = [
  broken('reset before commit', 'RST when the request has been read', reset),
  broken('reset after commit', 'RST when it has been carried out', raw('', reset, true)),
  broken('closed before commit', 'FIN in place of an answer', hangUp),
  broken('closed after commit', 'FIN when it has been carried out', raw('', hangUp, true)),
  broken('reset within the header', 'carried out; half a header, RST', raw(HALF_HEADER, reset, true)),
  broken('closed within the body', 'carried out; 11 of 500 bytes, FIN', raw(HALF_BODY, hangUp, true)),
  broken('reset within the body', 'carried out; 11 of 500 bytes, RST', raw(HALF_BODY, reset, true)),
  unreadable(
    'another protocol',
    'the greeting of an SSH server, nothing carried out',
    raw('SSH-2.0-OpenSSH_9.9\r\n', hangUp),
  ),
  unreadable(
    'a header without end',
    'carried out; 200 KiB of header lines',
    raw(ENDLESS_HEADER, () => {}, true),
  ),
]
