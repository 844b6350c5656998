/** The HTTP server for /live, /ready and /metrics; it listens only on loopback or a Unix socket. */
import { existsSync } from 'node:fs'
import { chmod, lstat, rm, stat } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { connect, type Server as ListeningServer, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { type ListenAddress, listenAddress, listenProblem } from '../config/values.ts'
import { Fault } from '../errors.ts'
import { HTTP_CLOSE_TIMEOUT_MS, HTTP_REQUEST_TIMEOUT_MS } from '../util/schedule.ts'

async function bindListener(server: ListeningServer, address: ListenAddress): Promise<void> {
  if (!('path' in address)) return listening(server, address)
  await stat(dirname(address.path)) // libuv calls a missing directory EACCES
  await listening(server, address).catch(async error => {
    if (error.code !== 'EADDRINUSE') throw error
    if (!(await lstat(address.path)).isSocket()) throw Object.assign(error, { code: 'ENOTSOCK' })
    if (!(await isStale(address.path))) throw error
    await rm(address.path)
    await listening(server, address)
  })
  await chmod(address.path, 0o660)
}

const listening = (server: ListeningServer, address: ListenAddress) =>
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
    const caller = connect(path)
    caller.once('connect', () => resolve(false)).once('connect', () => caller.destroy())
    caller.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'))
  })

interface Keeping {
  /** Milliseconds. */
  readonly every: number
  readonly onReturn: () => void
  readonly onError: (error: unknown) => void
}

/**
 * Binds a Unix socket again after its file was removed, of which the server gets no event. A file at that path is left alone.
 * An error is reported once, until binding succeeds.
 */
function keepBound(server: ListeningServer, address: ListenAddress, { every, onReturn, onError }: Keeping) {
  if (!('path' in address)) return () => {}
  const { path } = address
  let checking = false
  let reported = false
  let stopped = false
  const check = async () => {
    if (checking || existsSync(path)) return
    checking = true
    try {
      // without waiting: open connections are still answered
      if (server.listening) server.close()
      await bindListener(server, address)
      reported = false
      if (stopped) server.close()
      else onReturn()
    } catch (error) {
      if (!reported) onError(error)
      reported = true
    }
    checking = false
  }
  const timer = setInterval(() => void check(), every).unref()
  return () => {
    stopped = true
    clearInterval(timer)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'in use',
  EACCES: 'not permitted',
  ENOENT: 'its directory is not there',
  EADDRNOTAVAIL: 'not an address of this machine, or not yet',
  EAFNOSUPPORT: 'this machine has no IPv6',
  ENOTSOCK: 'a file that is no socket is there',
}

/** Errors that stay until the configuration or a permission is changed; all others may pass. */
const PERMANENT: ReadonlySet<string | undefined> = new Set([
  'EACCES',
  'EPERM',
  'EAFNOSUPPORT',
  'EINVAL',
  'ENAMETOOLONG',
  'ENOTDIR',
  'ENOTSOCK',
  'ELOOP',
  'EROFS',
])

const reasonOf = ({ code = 'failed' }: NodeJS.ErrnoException) => REASONS[code] ?? code

/** The address with its real port, if port 0 was asked for. */
function addressOf(server: ListeningServer, listen: string): string {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return listen
  return `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
}

export interface HttpOptions {
  /** As `[http] listen` has it. */
  readonly listen: string
  readonly live: () => boolean
  readonly ready: () => boolean
  /** Prometheus text. */
  readonly metrics: () => Promise<string>
  /** A page that could not be made, or a connection that could not be accepted. */
  readonly onError: (error: unknown) => void
  /** The Unix socket was removed and has been bound again. */
  readonly onReturn?: () => void
  /** Milliseconds between two checks whether the Unix socket is there; 5,000 by default. */
  readonly recheck?: number
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

/** Prometheus 3 refuses a page whose content type does not name the format. */
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8'

/** @throws Fault CONFIG_INVALID for an address that can never work, ADDRESS_UNAVAILABLE for one that may work later. */
export async function startHttpServer(options: HttpOptions): Promise<HttpServer> {
  const problem = listenProblem(options.listen)
  if (problem) throw new Fault('CONFIG_INVALID', `[http] listen: ${problem}`)
  const address = listenAddress(options.listen)
  const pages = pagesOf(options)
  const server = createServer(LIMITS, (request, response) => {
    // new URL() would throw on `//`
    const page = pages.get(request.url?.split('?', 1)[0] ?? '')
    answer(request.method, page, response).catch(error => {
      options.onError(error)
      send(response, { status: 500, text: 'internal error\n' })
    })
  })
  limitConnections(server)
  await bindListener(server, address).catch(error => {
    server.close()
    const message = `[http] listen: ${options.listen}: ${reasonOf(error)}`
    if (!PERMANENT.has(error.code)) throw new Fault('ADDRESS_UNAVAILABLE', message, { cause: error })
    throw new Fault('CONFIG_INVALID', message, {
      cause: error,
      advice: 'Name a free port, or a socket in a directory this user may write.',
    })
  })
  server.on('error', options.onError)
  const { onReturn = () => {}, recheck = HTTP_REQUEST_TIMEOUT_MS } = options
  const stopChecking = keepBound(server, address, { every: recheck, onReturn, onError: options.onError })
  return {
    address: addressOf(server, options.listen),
    close: () => {
      stopChecking()
      return close(server)
    },
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

interface Page {
  readonly status: number
  readonly text: string
  readonly type?: string
  readonly allow?: string
}

const pagesOf = ({ live, ready, metrics }: HttpOptions): ReadonlyMap<string, () => Promise<Page>> =>
  new Map([
    ['/live', async () => health(live(), 'live')],
    ['/ready', async () => health(ready(), 'ready')],
    ['/metrics', async () => ({ status: 200, text: await metrics(), type: PROMETHEUS })],
  ])

const health = (ok: boolean, word: string): Page =>
  ok ? { status: 200, text: `${word}\n` } : { status: 503, text: `not ${word}\n` }

async function answer(
  method: string | undefined,
  page: (() => Promise<Page>) | undefined,
  to: ServerResponse,
) {
  if (method !== 'GET' && method !== 'HEAD')
    return send(to, { status: 405, text: 'GET or HEAD only\n', allow: 'GET, HEAD' })
  if (!page) return send(to, { status: 404, text: 'there are /live, /ready and /metrics\n' })
  send(to, await page())
}

function send(to: ServerResponse, { status, text, type = 'text/plain; charset=utf-8', allow }: Page): void {
  to.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    // one request a connection: no idle connection delays the end, and no request body is waited for
    connection: 'close',
    ...(allow && { allow }),
  })
  to.end(text)
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
