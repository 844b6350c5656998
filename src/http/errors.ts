/** Tells the ways in which no answer can come: name, connection, proxy, certificate, time. Pure. */
import { abortReason, Fault } from '../errors.ts'

const TIMED_OUT = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
])

const UNREADABLE = /^(Z_|HPE_|ERR_BUFFER_TOO_LARGE|UND_ERR_(HEADERS_OVERFLOW|RES))/

const UNTRUSTED =
  /^(CERT_|CRL_|ERR_TLS_CERT|ERROR_IN_CERT|HOSTNAME_|INVALID_|PATH_LENGTH|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|UND_ERR_PRX_TLS)/

const INSECURE = /^(ERR_SSL|ERR_TLS|EPROTO)/

const CONNECTION_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  UND_ERR_ABORTED: 'the proxy refused to connect',
  UND_ERR_PRX_CONN: 'the proxy broke the connection',
  ENOTFOUND: 'no such name',
  EAI_AGAIN: 'the name could not be looked up',
}

const TLS_ERRORS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: ': it has expired',
  CERT_NOT_YET_VALID: ': it is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: ': it is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: ': it signed itself',
  SELF_SIGNED_CERT_IN_CHAIN: ': its authority is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ': its authority is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ': its issuer was not sent along',
}

const UNREADABLE_FOR: ReadonlyArray<readonly [RegExp, string]> = [
  [/^Z_/, ': its compression is broken'],
  [/^ERR_BUFFER_TOO_LARGE$/, ': it unpacks to more than the service would send'],
  [/^UND_ERR_HEADERS_OVERFLOW$/, ': its header is endless'],
  [/^HPE_|^HTTPParserError$/, ': it is not HTTP'],
]

const unreadableFor = (code: string) => UNREADABLE_FOR.find(([pattern]) => pattern.test(code))?.[1] ?? ''

/** undici says what status the proxy gave nowhere but in its message. */
const PROXY_STATUS = /^Proxy response \((\d{3})\)/

interface ConnectionError extends NodeJS.ErrnoException {
  /** The name or address that was tried: a proxy's, where there is one. */
  readonly hostname?: string
  readonly address?: string
  readonly port?: number
}

/** A DOMException's code is a number that says nothing. */
const codeOf = ({ code }: { code?: unknown }) => (typeof code === 'string' ? code : '')

/**
 * What went wrong on the way there, as a Fault; a bug stays what it is. Only names and codes go into the message: the
 * request's own text holds a private key.
 */
export function networkFault(error: unknown, { host }: URL, signal: AbortSignal | undefined): unknown {
  if (error instanceof Fault) return error
  const { name = '', message = '', hostname, address, port } = error as ConnectionError
  const code = codeOf(error as ConnectionError)
  if (signal?.aborted) return abortReason(signal, `${host}: no answer before the deadline`)
  if (name === 'TimeoutError' || TIMED_OUT.has(code))
    return new Fault('TIMEOUT', `${host}: no answer in time (${code || name})`)
  if (UNTRUSTED.test(code)) {
    const why = TLS_ERRORS[code] ?? ''
    return new Fault('TLS', `${host}: its certificate was not accepted${why} (${code})`)
  }
  if (INSECURE.test(code)) return new Fault('TLS', `${host}: no secure connection came about (${code})`)
  if (UNREADABLE.test(code) || name === 'HTTPParserError') {
    const what = `the answer cannot be read${unreadableFor(code || name)}`
    return new Fault('REPLY_UNREADABLE', `${host}: ${what} (${code || name})`)
  }
  // what undici was given wrongly is a bug of ours
  if (!code || code === 'UND_ERR_INVALID_ARG') return error
  const tried = hostname ?? (address ? `${address}:${port}` : PROXY_STATUS.exec(message)?.[1])
  return new Fault(
    'NETWORK',
    `${host}: ${CONNECTION_ERRORS[code] ?? 'not reached'} (${tried ? `${code} ${tried}` : code})`,
  )
}
