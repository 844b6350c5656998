/** A bare client for one request, every part of which a test can bend. */
import { type IncomingHttpHeaders, request } from 'node:http'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { secret } from '../../src/secret.ts'
import { authorization } from '../../src/tencent/signature.ts'

export interface Question {
  readonly action?: string
  readonly body?: object | string
  readonly method?: string
  /** Path and query as they go on the request line. */
  readonly target?: string
  /** Added to or put in place of what is sent, after signing; undefined takes a header away. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** Seconds. */
  readonly timestamp?: number
  readonly contentType?: string
  readonly secretId?: string
  readonly secretKey?: string
  /** Changes the finished Authorization header. */
  readonly bend?: (authorization: string) => string | undefined
  /** What the signature covers, where that differs from what is sent. */
  readonly signed?: {
    readonly headers?: Readonly<Record<string, string>>
    readonly payload?: string
    readonly service?: string
  }
}

/** What is under Response; each action fills in its own part. */
export interface Response extends Readonly<Record<string, unknown>> {
  readonly Error: { readonly Code: string; readonly Message: string }
  readonly CertificateId: string
  readonly Certificates: ReadonlyArray<
    Readonly<Record<string, unknown>> & { readonly CertificateId: string; readonly IsExpiring: boolean }
  >
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly response: Response
  readonly code: string
}

/** The emulator's clock in most tests; not today's, so that a use of the real clock shows. */
export const NOON = Date.UTC(2026, 5, 15, 12)

const textOf = (body: object | string) => (typeof body === 'string' ? body : JSON.stringify(body))

function signedHeaders(url: string, question: Question, payload: string): Record<string, string | undefined> {
  const { timestamp = NOON / 1000, signed = {}, action = 'UploadCertificate' } = question
  const contentType = question.contentType ?? 'application/json'
  const signable = {
    method: question.method === 'GET' ? ('GET' as const) : ('POST' as const),
    query: question.target?.split('?')[1] ?? '',
    headers: { 'content-type': contentType, host: new URL(url).host, ...signed.headers },
    payload: signed.payload ?? payload,
    timestamp,
    service: signed.service ?? 'ssl',
  }
  const { secretId = DEMO_CREDENTIALS.secretId, secretKey = DEMO_CREDENTIALS.secretKey } = question
  const header = authorization(signable, secretId, secret(secretKey))
  return {
    'content-type': contentType,
    'x-tc-action': action,
    'x-tc-version': '2019-12-05',
    'x-tc-timestamp': String(timestamp),
    'x-tc-language': 'en-US',
    authorization: question.bend ? question.bend(header) : header,
  }
}

function replyOf(status: number, headers: IncomingHttpHeaders, text: string): Reply {
  const json = headers['content-type'] === 'application/json' && text.endsWith('}}')
  const response = json ? JSON.parse(text).Response : undefined
  return { status, headers, text, response, code: response ? (response.Error?.Code ?? 'OK') : '' }
}

export function ask(url: string, question: Question = {}): Promise<Reply> {
  const payload = question.method === 'GET' ? '' : textOf(question.body ?? {})
  const headers = { ...signedHeaders(url, question, payload), ...question.headers }
  const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
  return new Promise((resolve, reject) => {
    const options = {
      method: question.method ?? 'POST',
      path: question.target ?? '/',
      headers: { ...sent, 'content-length': Buffer.byteLength(payload) },
      agent: false as const,
    }
    const outgoing = request(url, options, incoming => {
      let text = ''
      incoming.setEncoding('utf8')
      incoming.on('data', chunk => {
        text += chunk
      })
      incoming.on('end', () => resolve(replyOf(incoming.statusCode ?? 0, incoming.headers, text)))
      incoming.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end(payload)
  })
}
