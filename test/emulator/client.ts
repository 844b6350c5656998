/** An emulator for one test, and a client for single requests, every part of which a test can change. */
import { type IncomingHttpHeaders, request } from 'node:http'
import { onTestFinished } from 'vitest'
import {
  DEMO_CREDENTIALS,
  type Emulator,
  type EmulatorOptions,
  startEmulator,
} from '../../src/emulator/server.ts'
import { secret } from '../../src/secret.ts'
import { authorization } from '../../src/tencent/signature.ts'
import { issue } from '../fixtures/certificates.ts'

/** The emulator's clock in most tests; not today's, so that a use of the real clock shows. */
export const NOON = Date.UTC(2026, 5, 15, 12)

export const issued = await issue({ names: ['a.example.com', '*.b.example.com'] })

/** What UploadCertificate needs at least. */
export const PAIR = { CertificatePublicKey: issued.chain, CertificatePrivateKey: issued.key }

export interface TestRequest {
  readonly action?: string
  readonly body?: object | string
  readonly method?: string
  readonly path?: string
  /** Added to or put in place of what is sent, after signing; undefined takes a header away. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** Seconds. */
  readonly timestamp?: number
  readonly contentType?: string
  readonly secretId?: string
  readonly secretKey?: string
  /** Changes the finished Authorization header. */
  readonly change?: (authorization: string) => string | undefined
  /** What the signature covers, where that differs from what is sent. */
  readonly signed?: {
    readonly headers?: Readonly<Record<string, string>>
    readonly payload?: string
    readonly service?: string
  }
}

/** What is under Response; each action fills in its own part. */
interface Response extends Readonly<Record<string, unknown>> {
  readonly Error: { readonly Code: string; readonly Message: string }
  readonly CertificateId: string
  readonly Certificates: ReadonlyArray<Readonly<Record<string, unknown>> & { readonly CertificateId: string }>
}

export interface TestReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly response: Response
  /** `OK`, the error's code, or empty where the reply is no JSON. */
  readonly code: string
}

function headersFor(url: string, sent: TestRequest, payload: string): Record<string, string | undefined> {
  const { timestamp = NOON / 1000, signed = {}, contentType = 'application/json' } = sent
  const signable = {
    headers: { 'content-type': contentType, host: new URL(url).host, ...signed.headers },
    payload: signed.payload ?? payload,
    timestamp,
    service: signed.service ?? 'ssl',
  }
  const { secretId = DEMO_CREDENTIALS.secretId, secretKey = DEMO_CREDENTIALS.secretKey } = sent
  const header = authorization(signable, secretId, secret(secretKey))
  return {
    'content-type': contentType,
    'x-tc-action': sent.action ?? 'UploadCertificate',
    'x-tc-version': '2019-12-05',
    'x-tc-timestamp': String(timestamp),
    'x-tc-language': 'en-US',
    authorization: sent.change ? sent.change(header) : header,
    ...sent.headers,
  }
}

function replyOf(status: number, headers: IncomingHttpHeaders, text: string): TestReply {
  const isJson = headers['content-type'] === 'application/json' && text.endsWith('}}')
  const response = isJson ? JSON.parse(text).Response : undefined
  return { status, headers, text, response, code: response ? (response.Error?.Code ?? 'OK') : '' }
}

function send(url: string, sent: TestRequest = {}): Promise<TestReply> {
  const { body = {}, method = 'POST', path = '/' } = sent
  const payload = typeof body === 'string' ? body : JSON.stringify(body)
  const headers = Object.fromEntries(
    Object.entries(headersFor(url, sent, payload)).filter(([, value]) => value !== undefined),
  )
  return new Promise((resolve, reject) => {
    const length = { 'content-length': Buffer.byteLength(payload) }
    const options = { method, path, headers: { ...headers, ...length }, agent: false as const }
    const outgoing = request(url, options, async incoming => {
      const chunks: Buffer[] = []
      try {
        for await (const chunk of incoming) chunks.push(chunk)
        resolve(replyOf(incoming.statusCode ?? 0, incoming.headers, Buffer.concat(chunks).toString()))
      } catch (error) {
        reject(error)
      }
    })
    outgoing.on('error', reject)
    outgoing.end(payload)
  })
}

export interface TestEmulator extends Emulator {
  readonly send: (request?: TestRequest) => Promise<TestReply>
  readonly call: (action: string, body?: object) => Promise<TestReply>
}

export async function openEmulator(options: EmulatorOptions = {}): Promise<TestEmulator> {
  const emulator = await startEmulator({ now: () => NOON, rate: Number.POSITIVE_INFINITY, ...options })
  onTestFinished(emulator.close)
  return {
    ...emulator,
    send: request => send(emulator.url, request),
    call: (action, body = {}) => send(emulator.url, { action, body }),
  }
}
