/** Answers /live, /ready and /metrics to this machine itself: on loopback or a Unix socket, and nowhere else. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Fault } from '../core/fault.ts'
import { listenAddress, listenProblem } from '../core/listen.ts'
import { addressOf, bindListener, isLasting, keepBound, reasonOf } from './listening.ts'

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

/** For the header of a request, and for an answer at the end. In milliseconds. */
const REQUEST_TIMEOUT_MS = 5_000
const CLOSE_TIMEOUT_MS = 500

const LIMITS = {
  headersTimeout: REQUEST_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
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
  const { onReturn = () => {}, recheck = REQUEST_TIMEOUT_MS } = options
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
    const cutOff = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS)
    server.close(() => {
      clearTimeout(cutOff)
      resolve() // the socket's file went with the handle: libuv removes it
    })
    server.closeIdleConnections()
  })
