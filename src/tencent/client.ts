/** Sends one signed request to the service and reads its reply; corrects the clock and renews credentials. */
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { Fault } from '../errors.ts'
import { requestTarget, requestWith } from '../http/agent.ts'
import { networkFault } from '../http/errors.ts'
import { API_TIMEOUT_MS } from '../util/schedule.ts'
import type { CredentialProvider, Credentials } from './credentials.ts'
import { type Parameters, type Reply, readReply, redactSent, secretsOf } from './response.ts'
import { authorization } from './signature.ts'

const VERSION = '2019-12-05'

/** The product in the signature's scope, whatever the host. */
const SERVICE = 'ssl'

const CONTENT_TYPE = 'application/json'

/** In bytes; the service's replies have some hundred. */
const LARGEST_REPLY = 1 << 20

export interface Connection {
  readonly endpoint: URL
  readonly region: string | undefined
  readonly language: string
  readonly dispatcher: Dispatcher
  readonly credentials: CredentialProvider
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly onClock?: (offsetSeconds: number) => void
  readonly version: string
  /** Milliseconds for the whole request and reply; 30 seconds by default. */
  readonly timeout?: number
}

export interface Client {
  /** Sends any action once. @throws Fault of the service's answer, or NETWORK, TLS, TIMEOUT, REPLY_UNREADABLE, DEADLINE. */
  readonly call: (action: string, parameters: Parameters, signal?: AbortSignal) => Promise<Reply>
  /** A request without credentials: any reply of the service has its time. @throws as `call`. */
  readonly ping: (signal?: AbortSignal) => Promise<void>
  /** Repairs the cause of a fault of class recover; true when trying again makes sense. */
  readonly repair: (fault: Fault) => Promise<boolean>
  /** Seconds to add to this machine's clock, as measured from the last answer that had a date. */
  readonly offset: () => number
}

export function createClient(connection: Connection): Client {
  const { credentials, now, onClock } = connection
  let applied = 0
  let measured = 0
  const read = ({ date, status, body }: HttpResponse, sent: readonly string[] = []) => {
    if (date) measured = Math.round((date - now()) / 1000)
    return readReply(status, body, redactSent(sent))
  }
  return {
    call: async (action, parameters, signal) => {
      const body = JSON.stringify(parameters)
      const message = { action, body, timestamp: Math.floor(now() / 1000) + applied }
      const signWith = await credentials.current()
      const headers = headersOf(connection, signWith, message)
      const sent = [...secretsOf(parameters), headers.authorization, signWith.token?.reveal() ?? '']
      return read(await exchange(connection, { method: 'POST', headers, body }, signal), sent)
    },
    ping: async signal => {
      try {
        read(await exchange(connection, { method: 'GET' }, signal))
      } catch (error) {
        // the service replies that all headers are missing; anything else is not the service
        if (!(error instanceof Fault) || error.apiCode === undefined) throw error
      }
    },
    repair: async fault => {
      if (fault.code === 'API_CREDENTIALS') return credentials.renew()
      // the service allows five minutes: a difference below one is not the cause
      if (fault.code !== 'API_CLOCK' || Math.abs(measured - applied) < 60) return false
      applied = measured
      onClock?.(applied)
      return true
    },
    offset: () => measured,
  }
}

interface Message {
  readonly action: string
  readonly body: string
  readonly timestamp: number
}

interface HttpResponse {
  readonly status: number
  readonly body: string
  readonly date: number | undefined
}

type RequestOptions = Pick<Dispatcher.RequestOptions, 'method' | 'headers' | 'body'>

async function exchange(
  { endpoint, dispatcher, timeout = API_TIMEOUT_MS }: Connection,
  request: RequestOptions,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  const timedOut = AbortSignal.timeout(timeout)
  try {
    const { statusCode, headers, body } = await requestWith(dispatcher, {
      ...requestTarget(endpoint),
      ...request,
      signal: signal ? AbortSignal.any([signal, timedOut]) : timedOut,
    })
    const bytes = await readBody(body)
    const date = Date.parse(String(headers.date ?? ''))
    return {
      status: statusCode,
      body: decode(bytes, headers['content-encoding']),
      date: Number.isNaN(date) ? undefined : date,
    }
  } catch (error) {
    throw networkFault(error, endpoint, signal)
  }
}

function headersOf(
  { endpoint, region, language, version }: Connection,
  { secretId, secretKey, token }: Credentials,
  message: Message,
) {
  const signed = { 'content-type': CONTENT_TYPE, host: endpoint.host, 'x-tc-action': message.action }
  const signable = { headers: signed, payload: message.body, timestamp: message.timestamp, service: SERVICE }
  return {
    ...signed,
    authorization: authorization(signable, secretId, secretKey),
    'x-tc-version': VERSION,
    'x-tc-timestamp': String(message.timestamp),
    'x-tc-language': language,
    'x-tc-requestclient': `certferry_${version}`,
    // an empty value is refused by the service, so a missing one is not sent
    ...(region && { 'x-tc-region': region }),
    ...(token && { 'x-tc-token': token.reveal() }),
  }
}

async function readBody(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of body) {
    size += part.length
    if (size > LARGEST_REPLY)
      throw new Fault(
        'REPLY_UNREADABLE',
        `the answer has more than ${LARGEST_REPLY} bytes, not the service's`,
      )
    parts.push(part)
  }
  return Buffer.concat(parts)
}

const LIMIT = { maxOutputLength: LARGEST_REPLY }

const isGzip = (bytes: Buffer) => bytes[0] === 0x1f && bytes[1] === 0x8b

/** RFC 9110, 8.4.1.2: some servers leave out the zlib wrapper. */
function inflate(bytes: Buffer): Buffer {
  try {
    return inflateSync(bytes, LIMIT)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'Z_DATA_ERROR') throw error
    return inflateRawSync(bytes, LIMIT)
  }
}

const gunzip = (bytes: Buffer) => (isGzip(bytes) ? gunzipSync(bytes, LIMIT) : bytes)

const DECODERS = new Map<string, (bytes: Buffer) => Buffer>([
  ['gzip', gunzip],
  ['x-gzip', gunzip],
  ['deflate', inflate],
  ['br', bytes => brotliDecompressSync(bytes, LIMIT)],
  ['zstd', bytes => zstdDecompressSync(bytes, LIMIT)],
])

/** A proxy may compress without being asked, and may name the wrong encoding: gzip is known by its first bytes. */
function decode(bytes: Buffer, encoding: string | string[] | undefined): string {
  const encodings = [encoding ?? []].flat().join().toLowerCase().split(',')
  // the last one was applied last
  const decoded = encodings.reduceRight((left, name) => DECODERS.get(name.trim())?.(left) ?? left, bytes)
  // a gateway's page may not be UTF-8; enough of it remains for the error message
  return gunzip(decoded).toString()
}
