/** A proxy before the service that does to each connection and request what a test asks for, down to the socket. */
import { createHash } from 'node:crypto'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  request as sendRequest,
} from 'node:http'
import type { Server as SecureServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Exchange {
  readonly socket: Socket
  readonly response: ServerResponse
  /** Sends the request on to the service as it came; resolves to the reply of the service. */
  readonly forward: () => Promise<Reply>
}

/** Replies to a request in place of the service. */
export type Injection = (exchange: Exchange) => unknown

interface RequestInfo {
  /** Counts the requests of this proxy from 1. */
  readonly n: number
  /** Identifies the certificate. */
  readonly certificate: string
  /** Counts the requests with this certificate from 1. */
  readonly times: number
}

export interface ProxyOptions {
  /** Called by plain HTTP. */
  readonly service: string
  readonly inject?: (request: RequestInfo) => Injection | undefined
  /** Called with every connection, counted from 1, before anything is read from it; true where it has dealt with it. */
  readonly onConnection?: (socket: Socket, n: number) => boolean
  /** The clock by which arrivals are recorded, in milliseconds. */
  readonly now?: () => number
  /** Makes an HTTPS server, for a proxy behind TLS. */
  readonly host?: (listener: RequestListener) => Server | SecureServer
}

export interface FaultInjectingProxy {
  readonly port: number
  /** When each request arrived. */
  readonly arrivals: readonly number[]
  readonly connections: () => number
  /** Requests and connections into which a fault was injected. */
  readonly injected: () => number
  /** Stops listening and resets open connections. */
  readonly close: () => Promise<void>
}

function forwardRequest(
  service: string,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    sendRequest(
      new URL(url ?? '/', service),
      { method: method ?? 'POST', headers, agent: false },
      async reply =>
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: await buffer(reply) }),
    )
      .on('error', reject)
      .end(body)
  })
}

export const respond = (response: ServerResponse, { status, headers, body }: Reply) => {
  const { connection: _, 'keep-alive': __, ...own } = headers
  response.writeHead(status, own).end(body)
}

/** Requests without a certificate share one value. */
function certificateIn(body: Buffer): string {
  const { CertificatePublicKey = '' } = JSON.parse(body.toString() || '{}')
  return createHash('sha256').update(CertificatePublicKey).digest('hex')
}

export async function startProxy(options: ProxyOptions): Promise<FaultInjectingProxy> {
  const { service, inject = () => undefined, onConnection = () => false } = options
  const { now = () => performance.now(), host = createServer } = options
  const arrivals: number[] = []
  const counts = new Map<string, number>()
  const open = new Set<Socket>()
  let [connections, injected] = [0, 0]

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const n = arrivals.push(now())
    const body = await buffer(request)
    const certificate = certificateIn(body)
    const times = (counts.get(certificate) ?? 0) + 1
    counts.set(certificate, times)
    const forward = () => forwardRequest(service, request, body)
    const injection = inject({ n, certificate, times })
    if (!injection) return respond(response, await forward())
    injected += 1
    await injection({ socket: request.socket, response, forward })
  }
  const inner = host((request, response) => {
    // a client that hangs up half-way is what most faults are about
    serve(request, response).catch(() => response.destroy())
  })
  const listener = createTcpServer(socket => {
    connections += 1
    open.add(socket)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
    if (onConnection(socket, connections)) injected += 1
    else inner.emit('connection', socket)
  })
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  return {
    port: (listener.address() as AddressInfo).port,
    arrivals,
    connections: () => connections,
    injected: () => injected,
    close: async () => {
      const closed = new Promise(resolve => listener.close(resolve))
      for (const socket of open) socket.resetAndDestroy()
      await closed
    },
  }
}
