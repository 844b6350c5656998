/** Network, proxy, TLS and HTTP errors as faults. Pure. */
import { abortReason, Fault, type FaultCode } from '../errors.ts'

const NOT_ACCEPTED = 'its certificate was not accepted'
const NOT_READABLE = 'the answer cannot be read'

/** The first pattern that matches the error's code decides. */
const RULES: ReadonlyArray<readonly [code: RegExp, fault: FaultCode, message: string]> = [
  [/^(TimeoutError|ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/, 'TIMEOUT', 'no answer in time'],

  [/^CERT_HAS_EXPIRED$/, 'TLS', `${NOT_ACCEPTED}: it has expired`],
  [/^CERT_NOT_YET_VALID$/, 'TLS', `${NOT_ACCEPTED}: it is not valid yet`],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'TLS', `${NOT_ACCEPTED}: it is for another name`],
  [/^DEPTH_ZERO_SELF_SIGNED_CERT$/, 'TLS', `${NOT_ACCEPTED}: it is self-signed`],
  [
    /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
    'TLS',
    `${NOT_ACCEPTED}: its certificate authority is not trusted here`,
  ],
  [/^UNABLE_TO_VERIFY_LEAF_SIGNATURE$/, 'TLS', `${NOT_ACCEPTED}: its issuer was not sent`],
  [
    /^(CERT_|CRL_|ERR_TLS_CERT|ERROR_IN_CERT|HOSTNAME_|INVALID_|PATH_LENGTH|UNABLE_TO|UND_ERR_PRX_TLS)/,
    'TLS',
    NOT_ACCEPTED,
  ],
  [/^(ERR_SSL|ERR_TLS|EPROTO)/, 'TLS', 'the TLS handshake failed'],

  [/^Z_/, 'REPLY_UNREADABLE', `${NOT_READABLE}: its compression is broken`],
  [/^ERR_BUFFER_TOO_LARGE/, 'REPLY_UNREADABLE', `${NOT_READABLE}: decompressed it is larger than any answer`],
  [/^UND_ERR_HEADERS_OVERFLOW/, 'REPLY_UNREADABLE', `${NOT_READABLE}: its header is too large`],
  [/^(HPE_|HTTPParserError$)/, 'REPLY_UNREADABLE', `${NOT_READABLE}: it is not HTTP`],
  [/^UND_ERR_RES/, 'REPLY_UNREADABLE', NOT_READABLE],

  [/^ECONNREFUSED$/, 'NETWORK', 'nothing listens there'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, 'NETWORK', 'the connection broke'],
  [/^UND_ERR_ABORTED$/, 'NETWORK', 'the proxy refused to connect'],
  [/^UND_ERR_PRX_CONN$/, 'NETWORK', 'the proxy broke the connection'],
  [/^ENOTFOUND$/, 'NETWORK', 'no such name'],
  [/^EAI_AGAIN$/, 'NETWORK', 'the name could not be looked up'],
]

/** Only the message of undici's error has the status that a proxy answered. */
const PROXY_STATUS = /^Proxy response \((\d{3})\)/

interface ConnectionError extends NodeJS.ErrnoException {
  /** The name or address that was tried: a proxy's, where there is one. */
  readonly hostname?: string
  readonly address?: string
  readonly port?: number
}

/**
 * The fault for an error of a request, or the error itself if it is a bug. Only names and codes go into the message:
 * the request's own text holds a private key.
 */
export function networkFault(error: unknown, { host }: URL, signal: AbortSignal | undefined): unknown {
  if (error instanceof Fault) return error
  if (signal?.aborted) return abortReason(signal, `${host}: no answer before the deadline`)
  const { name = '', message = '', hostname, address, port, code } = error as ConnectionError
  // the code of a DOMException is a number without meaning
  const key = typeof code === 'string' ? code : name
  const [, fault, text] = RULES.find(([pattern]) => pattern.test(key)) ?? []
  if (fault && fault !== 'NETWORK') return new Fault(fault, `${host}: ${text} (${key})`)
  // without a code, or with wrong arguments for undici, it is a bug
  if (key !== code || code === 'UND_ERR_INVALID_ARG') return error
  const tried = hostname ?? (address ? `${address}:${port}` : PROXY_STATUS.exec(message)?.[1])
  return new Fault('NETWORK', `${host}: ${text ?? 'not reached'} (${tried ? `${code} ${tried}` : code})`)
}
