/** Stands before the service and does to each connection and request what a test says, down to the socket. */
import { createHash } from 'node:crypto'
import {
  request as ask,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { Server as SecureServer } from 'node:https'
import { type AddressInfo, createServer as createDoor, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Exchange {
  readonly socket: Socket
  readonly response: ServerResponse
  /** Hands the request on to the service as it came; resolves to what the service answered. */
  readonly carryOut: () => Promise<Answer>
}

/** What is done to a request in place of an honest answer. */
export type Trouble = (exchange: Exchange) => unknown

export interface Visit {
  /** Counts the requests of this front from 1. */
  readonly n: number
  /** Tells one certificate from another. */
  readonly certificate: string
  /** How often this certificate has come, this time included. */
  readonly times: number
}

export interface FrontOptions {
  /** The service behind; asked by plain HTTP. */
  readonly service: string
  readonly meet?: (visit: Visit) => Trouble | undefined
  /** Sees every connection, counted from 1, before anything is read from it; true where it has dealt with it. */
  readonly greet?: (socket: Socket, n: number) => boolean
  /** Milliseconds; the clock that arrivals are written down by. */
  readonly now?: () => number
  /** An HTTPS server, for a front behind TLS. */
  readonly host?: (listener: RequestListener) => Server | SecureServer
}

export interface Front {
  readonly port: number
  /** When each request arrived. */
  readonly arrivals: readonly number[]
  readonly connections: () => number
  /** Requests and connections that met with trouble. */
  readonly met: () => number
  /** Nobody listens any more, and what is open is reset. */
  readonly close: () => Promise<void>
}

async function bodyOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

function handOn(service: string, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onward = ask(
      new URL(url ?? '/', service),
      { method: method ?? 'POST', headers, agent: false },
      async reply =>
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: await bodyOf(reply) }),
    )
    onward.on('error', reject).end(body)
  })
}

export const give = (response: ServerResponse, { status, headers, body }: Answer) => {
  const { connection: _, 'keep-alive': __, ...own } = headers
  response.writeHead(status, own).end(body)
}

/** Only uploads and look-ups carry a certificate; whatever else comes shares one name. */
function certificateIn(body: Buffer): string {
  const { CertificatePublicKey = '' } = JSON.parse(body.toString() || '{}')
  return createHash('sha256').update(CertificatePublicKey).digest('hex')
}

export async function openFront(options: FrontOptions): Promise<Front> {
  const { service, meet = () => undefined, greet = () => false } = options
  const { now = () => performance.now(), host = createServer } = options
  const arrivals: number[] = []
  const came = new Map<string, number>()
  const open = new Set<Socket>()
  let [connections, met] = [0, 0]

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const n = arrivals.push(now())
    const body = await bodyOf(request)
    const certificate = certificateIn(body)
    const times = (came.get(certificate) ?? 0) + 1
    came.set(certificate, times)
    const carryOut = () => handOn(service, request, body)
    const trouble = meet({ n, certificate, times })
    if (!trouble) return give(response, await carryOut())
    met += 1
    await trouble({ socket: request.socket, response, carryOut })
  }
  const inner = host((request, response) => {
    // a client that hangs up half-way is no matter: that is what most of this is about
    serve(request, response).catch(() => response.destroy())
  })
  const door = createDoor(socket => {
    connections += 1
    open.add(socket)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
    if (greet(socket, connections)) met += 1
    else inner.emit('connection', socket)
  })
  await new Promise<void>(resolve => door.listen(0, '127.0.0.1', resolve))
  return {
    port: (door.address() as AddressInfo).port,
    arrivals,
    connections: () => connections,
    met: () => met,
    close: async () => {
      const closed = new Promise(resolve => door.close(resolve))
      for (const socket of open) socket.resetAndDestroy()
      await closed
    },
  }
}
