/**
 * TC3-HMAC-SHA256, Tencent Cloud's request signature: https://www.tencentcloud.com/document/api/1007/36575. Pure.
 * The only file that client and emulator share; it is tested with published vectors and the official SDK's signer.
 */
import { createHash, createHmac } from 'node:crypto'
import type { Secret } from '../secret.ts'

const ALGORITHM = 'TC3-HMAC-SHA256'

export interface Signable {
  readonly method?: 'POST' | 'GET'
  /** Already percent-encoded, without the question mark; empty for POST. */
  readonly query?: string
  /** Every header to sign: names in lower case, values exactly as they are sent. */
  readonly headers: Readonly<Record<string, string>>
  /** The exact bytes of the body, or the literal UNSIGNED-PAYLOAD. */
  readonly payload: string | Uint8Array
  /** Unix time in seconds; the scope's date is the UTC date of this second. */
  readonly timestamp: number
  /** The product, `ssl`, whatever the host. */
  readonly service: string
}

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')

const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()

export const utcDate = (timestamp: number) => new Date(timestamp * 1000).toISOString().slice(0, 10)

const scopeOf = ({ timestamp, service }: Signable) => `${utcDate(timestamp)}/${service}/tc3_request`

const signedNames = (request: Signable) => Object.keys(request.headers).sort()

export function canonicalRequest(request: Signable): string {
  const { method = 'POST', query = '', payload } = request
  const names = signedNames(request)
  const headers = names.map(name => `${name}:${request.headers[name]?.toLowerCase().trim()}\n`).join('')
  return [method, '/', query, headers, names.join(';'), sha256(payload)].join('\n')
}

export function signature(request: Signable, secretKey: Secret): string {
  const digest = sha256(canonicalRequest(request))
  const toSign = [ALGORITHM, request.timestamp, scopeOf(request), digest].join('\n')
  return hmac(signingKey(request, secretKey), toSign).toString('hex')
}

/** The last signing key of each secret key: valid for one day and product, kept as long as the secret itself. */
const derived = new WeakMap<Secret, { readonly scope: string; readonly key: Buffer }>()

function signingKey(request: Signable, secretKey: Secret): Buffer {
  const scope = scopeOf(request)
  const last = derived.get(secretKey)
  if (last?.scope === scope) return last.key
  const dateKey = hmac(`TC3${secretKey.reveal()}`, utcDate(request.timestamp))
  const key = hmac(hmac(dateKey, request.service), 'tc3_request')
  derived.set(secretKey, { scope, key })
  return key
}

/** The value of the Authorization header. */
export function authorization(request: Signable, secretId: string, secretKey: Secret): string {
  const credential = `Credential=${secretId}/${scopeOf(request)}`
  const signedHeaders = `SignedHeaders=${signedNames(request).join(';')}`
  return `${ALGORITHM} ${credential}, ${signedHeaders}, Signature=${signature(request, secretKey)}`
}
