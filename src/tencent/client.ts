/** Sends one signed request to the service and reads its answer; corrects the clock and renews credentials. */
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

/** In bytes. Replies of the service have some hundred. */
const LARGEST_REPLY = 1 << 20

export interface Connection {
  readonly endpoint: URL
  readonly region: string | undefined
  readonly language: string
  readonly dispatcher: Dispatcher
  readonly wallet: CredentialProvider
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly onClock?: (offsetSeconds: number) => void
  readonly version: string
  /** Milliseconds for the whole exchange; without it, 30 seconds. */
  readonly whole?: number
}

export interface Client {
  /** Sends any action once. @throws Fault of the service's answer, or NETWORK, TLS, TIMEOUT, REPLY_UNREADABLE, DEADLINE. */
  readonly call: (action: string, parameters: Parameters, signal?: AbortSignal) => Promise<Reply>
  /** Sends no credentials: any answer of the service has its time. @throws as `call`. */
  readonly ping: (signal?: AbortSignal) => Promise<void>
  /** Repairs the cause of a fault of class recover; true when trying again makes sense. */
  readonly repair: (fault: Fault) => Promise<boolean>
  /** Seconds to add to this machine's clock, as measured from the last answer that had a date. */
  readonly offset: () => number
}

export function createClient(connection: Connection): Client {
  const { wallet, now, onClock } = connection
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
      const credentials = await wallet.current()
      const headers = headersOf(connection, credentials, message)
      const sent = [...secretsOf(parameters), headers.authorization, credentials.token?.reveal() ?? '']
      return read(await exchange(connection, { method: 'POST', headers, body }, signal), sent)
    },
    ping: async signal => {
      try {
        read(await exchange(connection, { method: 'GET' }, signal))
      } catch (error) {
        // the service answers that all headers are missing; anything else is not the service
        if (!(error instanceof Fault) || error.apiCode === undefined) throw error
      }
    },
    repair: async fault => {
      if (fault.code === 'API_CREDENTIALS') return wallet.renew()
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
  { endpoint, dispatcher, whole: limit = API_TIMEOUT_MS }: Connection,
  sending: RequestOptions,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  const whole = AbortSignal.timeout(limit)
  try {
    const { statusCode, headers, body } = await requestWith(dispatcher, {
      ...requestTarget(endpoint),
      ...sending,
      signal: signal ? AbortSignal.any([signal, whole]) : whole,
    })
    const bytes = await bounded(body)
    const date = Date.parse(String(headers.date ?? ''))
    return {
      status: statusCode,
      body: text(bytes, headers['content-encoding']),
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

async function bounded(body: AsyncIterable<Buffer>): Promise<Buffer> {
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

const UNPACK: ReadonlyArray<readonly [RegExp, (bytes: Buffer) => Buffer]> = [
  [/^(x-)?gzip$/, bytes => (isGzip(bytes) ? gunzipSync(bytes, UNPACKED) : bytes)],
  [/^deflate$/, inflated],
  [/^br$/, bytes => brotliDecompressSync(bytes, UNPACKED)],
  [/^zstd$/, bytes => zstdDecompressSync(bytes, UNPACKED)],
]

const UNPACKED = { maxOutputLength: LARGEST_REPLY }

const isGzip = (bytes: Buffer) => bytes[0] === 0x1f && bytes[1] === 0x8b

/** RFC 9110, 8.4.1.2: some servers leave out the zlib wrapper. */
function inflated(bytes: Buffer): Buffer {
  try {
    return inflateSync(bytes, UNPACKED)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'Z_DATA_ERROR') throw error
    return inflateRawSync(bytes, UNPACKED)
  }
}

/** A proxy may compress without being asked, and may name the wrong encoding: gzip is known by its first bytes. */
function text(bytes: Buffer, encoding: string | string[] | undefined): string {
  const codings = [encoding ?? []].flat().join().toLowerCase().split(',')
  let plain = bytes
  // the last was applied last
  for (const coding of codings.map(one => one.trim()).reverse())
    plain = UNPACK.find(([name]) => name.test(coding))?.[1](plain) ?? plain
  if (isGzip(plain)) plain = gunzipSync(plain, UNPACKED)
  // a gateway's page may not be UTF-8; enough of it remains for the error message
  return plain.toString()
}
