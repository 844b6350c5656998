/** The HTTP server for the status page, /live, /ready and /metrics; it listens only on loopback or a Unix socket. */
import { chmod, lstat, rm, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { type ListenAddress, listenAddress, listenProblem } from '../config/values.ts'
import { Fault } from '../errors.ts'
import { isThere } from '../files/fileSystem.ts'
import { COMPARE_INTERVAL_MS, HTTP_CLOSE_TIMEOUT_MS, HTTP_REQUEST_TIMEOUT_MS } from '../util/schedule.ts'

export interface HttpOptions {
  /** As `[http] listen` has it. */
  readonly listen: string
  readonly ready: () => boolean
  /** Prometheus text. */
  readonly metrics: () => Promise<string>
  /** The status page, and its content security policy; undefined as long as nothing is known yet. */
  readonly status: (isRefreshed: boolean) => Promise<StatusPage | undefined>
  /** A page that could not be made, or a connection that could not be accepted. */
  readonly onError: (error: unknown) => void
  /** Milliseconds between two looks for the file of a Unix socket; COMPARE_INTERVAL_MS where absent. */
  readonly pulse?: number
}

export interface StatusPage {
  readonly html: string
  readonly policy: string
}

export interface HttpServer {
  /** Where it listens, with the real port. */
  readonly address: string
  /** Stops accepting connections; resolves when the open ones have been answered or cut off. */
  readonly close: () => Promise<void>
}

const LIMITS = {
  headersTimeout: HTTP_REQUEST_TIMEOUT_MS,
  requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
} as const

const MAX_CONNECTIONS = 32

/** @throws Fault CONFIG_INVALID for an address that can never work, ADDRESS_UNAVAILABLE for one that may work later. */
export async function startHttpServer(options: HttpOptions): Promise<HttpServer> {
  const { listen, onError, pulse = COMPARE_INTERVAL_MS } = options
  const problem = listenProblem(listen)
  if (problem) throw new Fault('CONFIG_INVALID', `[http] listen: ${problem}`)
  const address = listenAddress(listen)
  const server = createServer(LIMITS, async (request, response) => {
    const page = await pageFor(request, options).catch((error): Page => {
      onError(error)
      return { status: 500, text: 'internal error\n' }
    })
    response.writeHead(page.status, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(page.text),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // one request a connection: no idle connection delays the end, and no request body is waited for
      connection: 'close',
      ...page.headers,
    })
    response.end(page.text)
  })
  limitConnections(server)
  await bind(server, address).catch(error => {
    server.close()
    throw listenFault(listen, error)
  })
  server.on('error', onError)
  const stopRestoring = 'path' in address ? restoreSocket(server, address.path, pulse) : () => {}
  return {
    address: addressOf(server, listen),
    close: () => {
      stopRestoring()
      return close(server)
    },
  }
}

/** Listens anew where the file of the socket was removed, by a tool that tidies up or with its folder: nothing else reaches it. */
function restoreSocket(server: Server, path: string, pulse: number): () => void {
  let isRestoring = false
  const restore = async () => {
    if (isRestoring || isThere(path)) return
    isRestoring = true
    // the old one first: its end removes the file of that name
    server.close()
    // where the folder is gone too the next look tries again
    await bind(server, { path }).catch(() => {})
    isRestoring = false
  }
  const timer = setInterval(restore, pulse)
  return () => clearInterval(timer)
}

interface Page {
  readonly status: number
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Prometheus 3 refuses a page whose content type does not name the format. */
const PROMETHEUS = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }

/** `/?refresh`: by a header, because only who asks for it is to see the page loaded again while reading. In seconds. */
const REFRESH = { name: 'refresh', seconds: '60' } as const

async function statusPage(query: string | undefined, status: HttpOptions['status']): Promise<Page> {
  const isRefreshed = query === REFRESH.name
  const page = await status(isRefreshed)
  if (!page) return { status: 503, text: 'not ready\n', headers: { refresh: '2' } }
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': page.policy,
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    ...(isRefreshed && { refresh: REFRESH.seconds }),
  }
  return { status: 200, text: page.html, headers }
}

/** A browser sends another name when a website has its own name resolve to this machine. */
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i

async function pageFor(
  { method, url, headers: { host }, socket }: IncomingMessage,
  { ready, metrics, status }: HttpOptions,
): Promise<Page> {
  const isTcp = socket.localAddress !== undefined
  if (isTcp && host !== undefined && !LOCAL_HOST.test(host))
    return { status: 421, text: 'this server is localhost, 127.0.0.1 or [::1]\n' }
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, text: 'GET or HEAD only\n', headers: { allow: 'GET, HEAD' } }
  // new URL() would throw on `//`
  const [path, query] = url?.split('?', 2) ?? []
  switch (path) {
    case '/':
      return statusPage(query, status)
    case '/live':
      return { status: 200, text: 'live\n' } // an answer proves that the event loop runs
    case '/ready':
      return ready() ? { status: 200, text: 'ready\n' } : { status: 503, text: 'not ready\n' }
    case '/metrics':
      return { status: 200, text: await metrics(), headers: PROMETHEUS }
    default:
      return { status: 404, text: 'there are /, /live, /ready and /metrics\n' }
  }
}

/** Cuts off the oldest connection for a new one: idle connections must not keep a request out. */
function limitConnections(server: Server): void {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    const [oldest] = open
    if (open.size > MAX_CONNECTIONS) oldest?.destroy()
  })
}

async function bind(server: Server, address: ListenAddress): Promise<void> {
  if (!('path' in address)) return startListening(server, address)
  await stat(dirname(address.path)) // libuv calls a missing directory EACCES
  await startListening(server, address).catch(async error => {
    if (error.code !== 'EADDRINUSE') throw error
    if (!(await lstat(address.path)).isSocket()) throw Object.assign(error, { code: 'ENOTSOCK' })
    if (!(await isStale(address.path))) throw error
    await rm(address.path)
    await startListening(server, address)
  })
  await chmod(address.path, 0o660)
}

const startListening = (server: Server, address: ListenAddress) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, () => {
      server.off('error', reject)
      resolve()
    })
  })

/** Whether the process that listened on this socket is gone. */
const isStale = (path: string) =>
  new Promise<boolean>(resolve => {
    const socket = connect(path)
    socket.once('connect', () => resolve(false)).once('connect', () => socket.destroy())
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'))
  })

/** Errors that stay until the configuration or a permission is changed; all others may be temporary. */
const PERMANENT = /^(EACCES|EPERM|EAFNOSUPPORT|EINVAL|ENAMETOOLONG|ENOTDIR|ENOTSOCK|ELOOP|EROFS)$/

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'in use',
  EACCES: 'not permitted',
  ENOENT: 'its directory is not there',
  EADDRNOTAVAIL: 'not an address of this machine, or not yet',
  EAFNOSUPPORT: 'this machine has no IPv6',
  ENOTSOCK: 'a file that is no socket is there',
}

function listenFault(listen: string, error: NodeJS.ErrnoException): Fault {
  const { code = 'failed' } = error
  const message = `[http] listen: ${listen}: ${REASONS[code] ?? code}`
  if (!PERMANENT.test(code)) return new Fault('ADDRESS_UNAVAILABLE', message, { cause: error })
  const advice = 'Name a free port, or a socket in a directory this user may write.'
  return new Fault('CONFIG_INVALID', message, { cause: error, advice })
}

/** The address with its real port, if port 0 was asked for. */
function addressOf(server: Server, listen: string): string {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return listen
  return `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
}

const close = (server: Server) =>
  new Promise<void>(resolve => {
    const cutOff = setTimeout(() => server.closeAllConnections(), HTTP_CLOSE_TIMEOUT_MS)
    server.close(() => {
      clearTimeout(cutOff)
      resolve() // libuv has removed the socket's file
    })
    server.closeIdleConnections()
  })
