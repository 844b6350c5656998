/** Proves a request's TC3 signature from the request's own list of signed headers. Pure. */
import { timingSafeEqual } from 'node:crypto'
import { secret } from '../core/secret.ts'
import { signature, utcDate } from '../core/tc3.ts'
import type { IncomingRequest } from './arrival.ts'
import { ApiError } from './refusal.ts'

const SERVICE = 'ssl'

export interface Authorization {
  readonly secretId: string
  readonly date: string
  readonly service: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

// Whether the gateway insists on single spaces is not known: white space is read leniently, everything else strictly.
const HEADER =
  /^TC3-HMAC-SHA256\s+Credential=([^\s,/]+)\/(\d{4}-\d\d-\d\d)\/([^\s,/]+)\/tc3_request\s*,\s*SignedHeaders=([^\s,]+)\s*,\s*Signature=([0-9a-f]{64})$/

export function authorizationOf(headers: IncomingRequest['headers']): Authorization {
  const match = HEADER.exec(headers.authorization?.trim() ?? '')
  if (!match) throw new ApiError('authorization')
  const [secretId = '', date = '', service = '', list = '', digest = ''] = match.slice(1)
  const signedHeaders = list.split(';')
  if (!['content-type', 'host'].every(name => signedHeaders.includes(name))) {
    throw new ApiError('authorization')
  }
  return { secretId, date, service, signedHeaders, signature: digest }
}

/** The algorithm wants the names ascending; tc3.ts sorts them itself, so a list in disorder must fail here. */
const inOrder = (names: readonly string[]) => names.every((name, i) => i === 0 || name > (names[i - 1] ?? ''))

/** Clients sign the Host header as sent or, like the official Node SDK, without its port. */
const hostsOf = (host: string) => new Set([host, host.replace(/:\d+$/, '')])

function signedValues(
  arrival: IncomingRequest,
  names: readonly string[],
  host: string,
): Record<string, string> {
  const entries = names.map(name => {
    const value = name === 'host' ? host : arrival.headers[name]
    if (value === undefined) throw new ApiError('signature')
    return [name, value] as const
  })
  return Object.fromEntries(entries)
}

const payloadOf = ({ headers, body }: IncomingRequest) =>
  headers['x-tc-content-sha256'] === 'UNSIGNED-PAYLOAD' ? 'UNSIGNED-PAYLOAD' : body

const equal = (a: string, b: string) => timingSafeEqual(Buffer.from(a), Buffer.from(b))

/** Throws a Refusal unless the holder of `secretKey` signed exactly this request. */
export function proveSignature(arrival: IncomingRequest, claim: Authorization, secretKey: string): void {
  const timestamp = Number(arrival.headers['x-tc-timestamp'])
  const scoped = claim.service === SERVICE && claim.date === utcDate(timestamp)
  if (!scoped || !inOrder(claim.signedHeaders)) throw new ApiError('signature')
  const proven = [...hostsOf(arrival.headers.host ?? '')].some(host => {
    const signable = {
      method: arrival.method === 'GET' ? 'GET' : 'POST',
      query: arrival.query,
      headers: signedValues(arrival, claim.signedHeaders, host),
      payload: payloadOf(arrival),
      timestamp,
      service: SERVICE,
    } as const
    return equal(signature(signable, secret(secretKey)), claim.signature)
  })
  if (!proven) throw new ApiError('signature')
}
