/** Answers /live, /ready and /metrics to this machine itself: on loopback or a Unix socket, and nowhere else. */
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

/** A socket on which no process listens any more: its process was killed. */
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
 * Binds a Unix socket again whose file has been removed: the server hears nothing of it, and no caller finds it. A file that
 * is there is left alone, whosever it is. What stands in the way is told once.
 */
function keepBound(server: ListeningServer, address: ListenAddress, { every, onReturn, onError }: Keeping) {
  if (!('path' in address)) return { stop: () => {} }
  const { path } = address
  let looking = false
  let told = false
  let stopped = false
  const look = async () => {
    if (looking || existsSync(path)) return
    looking = true
    try {
      // not waited for: the connections it has are answered all the same
      if (server.listening) server.close()
      await bindListener(server, address)
      told = false
      if (stopped) server.close()
      else onReturn()
    } catch (error) {
      if (!told) onError(error)
      told = true
    }
    looking = false
  }
  const timer = setInterval(() => void look(), every).unref()
  return {
    stop: () => {
      stopped = true
      clearInterval(timer)
    },
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

/** These stay until the configuration, or what this user may do, is changed. All else may pass. */
const LASTING: ReadonlySet<string | undefined> = new Set([
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

const isLasting = ({ code }: NodeJS.ErrnoException): boolean => LASTING.has(code)

/** Why it could not be bound, in words. */
const reasonOf = ({ code = 'failed' }: NodeJS.ErrnoException) => REASONS[code] ?? code

/** The address in words, with the port that was found for port 0. */
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
  /** A page that could not be made, or a connection that could not be taken: the daemon goes on. */
  readonly onError: (error: unknown) => void
  /** The Unix socket had been removed, and is there again. */
  readonly onReturn?: () => void
  /** Milliseconds between two looks for it; without it, five seconds. */
  readonly recheck?: number
}

export interface HttpServer {
  /** Where it listens, with the port that was found for port 0. */
  readonly address: string
  /** Takes no more connections; resolves when those there are have been answered, or cut off. */
  readonly close: () => Promise<void>
}

const LIMITS = {
  headersTimeout: HTTP_REQUEST_TIMEOUT_MS,
  requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
} as const

const MOST_CONNECTIONS = 32

/** Prometheus 3 refuses a page whose type does not name the format. */
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8'

/** @throws Fault CONFIG_INVALID where it may not listen, ADDRESS_UNAVAILABLE where it cannot now. */
export async function startHttpServer(options: HttpOptions): Promise<HttpServer> {
  const problem = listenProblem(options.listen)
  if (problem) throw new Fault('CONFIG_INVALID', `[http] listen: ${problem}`)
  const address = listenAddress(options.listen)
  const pages = pagesOf(options)
  const server = createServer(LIMITS, (request, response) => {
    // not new URL(): it throws on `//`, and anybody may send that
    const page = pages.get(request.url?.split('?', 1)[0] ?? '')
    answer(request.method, page, response).catch(error => {
      options.onError(error)
      send(response, { status: 500, text: 'internal error\n' })
    })
  })
  letGo(server)
  await bindListener(server, address).catch(error => {
    server.close()
    const says = `[http] listen: ${options.listen}: ${reasonOf(error)}`
    if (!isLasting(error)) throw new Fault('ADDRESS_UNAVAILABLE', says, { cause: error })
    throw new Fault('CONFIG_INVALID', says, {
      cause: error,
      advice: 'Name a free port, or a socket in a directory this user may write.',
    })
  })
  server.on('error', options.onError)
  const { onReturn = () => {}, recheck = HTTP_REQUEST_TIMEOUT_MS } = options
  const rechecked = keepBound(server, address, { every: recheck, onReturn, onError: options.onError })
  return {
    address: addressOf(server, options.listen),
    close: () => {
      rechecked.stop()
      return close(server)
    },
  }
}

/** Whoever calls last has a request to make; whoever has been connected longest, and is one too many, has none. */
function letGo(server: Server): void {
  const callers = new Set<Socket>()
  server.on('connection', (caller: Socket) => {
    callers.add(caller)
    caller.once('close', () => callers.delete(caller))
    const [oldest] = callers
    if (callers.size > MOST_CONNECTIONS) oldest?.destroy()
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

const health = (well: boolean, word: string): Page =>
  well ? { status: 200, text: `${word}\n` } : { status: 503, text: `not ${word}\n` }

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
    // one request a connection: none is left idle that would hold up the end, and no body is ever waited for
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
      resolve() // the socket's file went with the handle: libuv removes it
    })
    server.closeIdleConnections()
  })
