/** HTTP connections: kept alive, with a timeout for each step, through the operator's proxy, always with certificate checks. */
import { subscribe } from 'node:diagnostics_channel'
import type { LookupFunction, Socket } from 'node:net'
import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'
import { isLoopback, proxyProblem } from '../config/values.ts'
import { Fault } from '../errors.ts'

/** Milliseconds. The service answers an upload in well under a second. */
const LIMITS = { connect: 10_000, headers: 10_000, body: 10_000 }

/** Milliseconds for each address of a name: Node's own 250 are too few for a distant one and for a lost first packet. */
const ATTEMPT = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 2_000 }

/** Half of the smallest usual limit of open files. */
const MAX_CONNECTIONS = 128

/** Milliseconds: less than the service's own, so that few requests meet a connection that is being closed. */
const KEEP_ALIVE = 15_000

/** Without these, NODE_TLS_REJECT_UNAUTHORIZED and NODE_OPTIONS of the environment could switch off what protects private keys. */
const TLS = { rejectUnauthorized: true, minVersion: 'TLSv1.2', ...ATTEMPT } as const

export interface AgentOptions {
  readonly endpoint: URL
  /** `[tencent] proxy`, over HTTPS_PROXY; NO_PROXY holds for both. */
  readonly proxy: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds until connected, until the first byte of the answer, and between two of its bytes. */
  readonly limits?: typeof LIMITS
}

/** @throws Fault CONFIG_INVALID for an HTTPS_PROXY that is not the address of a proxy. */
export function createAgent({ endpoint, proxy, env, limits = LIMITS }: AgentOptions): Dispatcher {
  const timeouts = { headersTimeout: limits.headers, bodyTimeout: limits.body }
  const connect = { ...TLS, timeout: limits.connect }
  const options = {
    ...timeouts,
    connect,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE,
    pipelining: 1,
    connections: MAX_CONNECTIONS,
  }
  // no proxy leads to this machine itself
  if (isLoopback(endpoint)) return new Agent({ ...options, connect: { ...connect, lookup: loopbackLookup } })
  return new EnvHttpProxyAgent({
    ...options,
    // without these, undici allows the proxy five minutes
    connectTimeout: limits.connect,
    requestTls: TLS,
    proxyTls: TLS,
    clientFactory: (origin, own) => new Pool(origin, { ...own, ...timeouts }),
    httpProxy: '',
    httpsProxy: proxy ?? fromEnvironment(env),
    noProxy: envEitherCase(env, 'no_proxy'),
  })
}

/**
 * Sends a request that its signal ends at any time; undici itself regards the signal only once it is connected, and a name
 * server may not answer for a minute. @throws the signal's reason.
 */
export async function requestWith(
  dispatcher: Dispatcher,
  options: Dispatcher.RequestOptions & { readonly signal: AbortSignal },
): Promise<Dispatcher.ResponseData> {
  const { signal } = options
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([dispatcher.request(options), aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

const CONTINUE = /^HTTP\/1\.1 100[^\n]*\r\n(?:[^\n]+\r\n)*\r\n/

/**
 * RFC 9110, 15.2: a server or proxy may send "100 Continue" unasked. undici closes the connection then, although the request
 * is performed; so the socket removes it from what undici reads.
 */
subscribe('undici:client:connected', message => {
  const { socket } = message as { readonly socket: Socket }
  const read = socket.read.bind(socket)
  socket.read = size => {
    let part: unknown = read(size)
    while (Buffer.isBuffer(part) && part.subarray(0, INTERIM.length).equals(INTERIM)) {
      const [head] = CONTINUE.exec(part.toString('latin1', 0, 4096)) ?? []
      if (head === undefined) break
      part = head.length < part.length ? part.subarray(head.length) : read(size)
    }
    return part
  }
})

const INTERIM = Buffer.from('HTTP/1.1 100')

/** A URL as the options of a dispatcher. */
export const requestTarget = ({ origin, pathname, search }: URL) => ({ origin, path: `${pathname}${search}` })

/** `localhost` is an address here, not a name: keys go there unencrypted, and a resolver could name another machine. */
const loopbackLookup: LookupFunction = (_name, { all }, done) =>
  all
    ? done(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ])
    : done(null, '127.0.0.1', 4)

const envEitherCase = (env: AgentOptions['env'], name: string) => env[name] || env[name.toUpperCase()] || ''

/** curl accepts `proxy:3128` without a scheme, too. */
function fromEnvironment(env: AgentOptions['env']): string {
  const text = envEitherCase(env, 'https_proxy')
  const url = !text || text.includes('://') ? text : `http://${text}`
  const problem = url && proxyProblem(url)
  if (problem) throw new Fault('CONFIG_INVALID', `HTTPS_PROXY: ${problem}`)
  return url
}
