/** The connections: kept alive, timed at every step, through the operator's proxy, certificate checks never off. */
import { subscribe } from 'node:diagnostics_channel'
import type { LookupFunction, Socket } from 'node:net'
import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'
import { isLoopback, proxyProblem } from '../config/values.ts'
import { Fault } from '../errors.ts'

/** Milliseconds. The service answers an upload in well under a second; the official SDKs wait 60 s for everything. */
const LIMITS = { connect: 10_000, headers: 10_000, body: 10_000 }

/**
 * A name's addresses are tried one after another, each for so many milliseconds and the last for what is left of
 * `connect`. Node's own 250 ms give up an address on the other side of the world, and one that loses its first packet:
 * that is sent again after a second.
 */
const ATTEMPT = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 2_000 }

/** Of a process with a limit of 256 open files half is left for all else; at ten a second this many answers take 13 s each. */
const MOST = 128

/** The service closes idle connections; ours are closed before, so that few requests meet a closing one. */
const IDLE = 15_000

/**
 * Said outright, for without it Node asks its environment: NODE_TLS_REJECT_UNAUTHORIZED=0, set for some other program
 * of the machine, would show the private keys to whoever answers; NODE_OPTIONS=--tls-min-v1.0 to whoever listens.
 */
const TLS = { rejectUnauthorized: true, minVersion: 'TLSv1.2', ...ATTEMPT } as const

export interface AgentOptions {
  readonly endpoint: URL
  /** `[tencent] proxy`, over HTTPS_PROXY; NO_PROXY holds for both. */
  readonly proxy: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds until connected, until the first byte of the answer, and between two of its bytes. */
  readonly limits?: typeof LIMITS
}

/** @throws Fault CONFIG_INVALID where HTTPS_PROXY is no proxy's address. */
export function createAgent({ endpoint, proxy, env, limits = LIMITS }: AgentOptions): Dispatcher {
  const answer = { headersTimeout: limits.headers, bodyTimeout: limits.body }
  const connect = { ...TLS, timeout: limits.connect }
  const options = {
    ...answer,
    connect,
    allowH2: false,
    keepAliveTimeout: IDLE,
    pipelining: 1,
    connections: MOST,
  }
  // to this machine itself no proxy can lead
  if (isLoopback(endpoint)) return new Agent({ ...options, connect: { ...connect, lookup: loopbackLookup } })
  return new EnvHttpProxyAgent({
    ...options,
    // the way to the proxy has its own limits, or it would take undici's five minutes
    connectTimeout: limits.connect,
    requestTls: TLS,
    proxyTls: TLS,
    clientFactory: (origin, own) => new Pool(origin, { ...own, ...answer }),
    httpProxy: '',
    httpsProxy: proxy ?? fromEnvironment(env),
    noProxy: envEitherCase(env, 'no_proxy'),
  })
}

/**
 * Sends a request and ends with its signal; undici itself looks at the signal only when it is connected, and a name server
 * may be silent for a minute. @throws the signal's reason.
 */
export async function requestWith(
  dispatcher: Dispatcher,
  options: Dispatcher.RequestOptions & { readonly signal: AbortSignal },
): Promise<Dispatcher.ResponseData> {
  const { signal } = options
  signal.throwIfAborted()
  const over = Promise.withResolvers<never>()
  const end = () => over.reject(signal.reason)
  signal.addEventListener('abort', end, { once: true })
  try {
    return await Promise.race([dispatcher.request(options), over.promise])
  } finally {
    signal.removeEventListener('abort', end)
  }
}

const CONTINUE = /^HTTP\/1\.1 100[^\n]*\r\n(?:[^\n]+\r\n)*\r\n/

/**
 * RFC 9110, 15.2: a "100 Continue" may come unasked, and says nothing. undici takes it for nonsense and hangs up, though the
 * request is carried out; so it never gets to see one. An answer begins with what is read first after its request.
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

/** Where a request goes, as a dispatcher wants to be told. */
export const requestTarget = ({ origin, pathname, search }: URL) => ({ origin, path: `${pathname}${search}` })

/** `localhost` is an address here, not a name: keys go there unencrypted, and a resolver could make it mean anybody. */
const loopbackLookup: LookupFunction = (_name, { all }, done) =>
  all
    ? done(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ])
    : done(null, '127.0.0.1', 4)

const envEitherCase = (env: AgentOptions['env'], name: string) => env[name] || env[name.toUpperCase()] || ''

/** `proxy:3128` without a scheme is what many write and curl takes. */
function fromEnvironment(env: AgentOptions['env']): string {
  const text = envEitherCase(env, 'https_proxy')
  const url = !text || text.includes('://') ? text : `http://${text}`
  const problem = url && proxyProblem(url)
  if (problem) throw new Fault('CONFIG_INVALID', `HTTPS_PROXY: ${problem}`)
  return url
}
