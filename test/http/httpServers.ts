/** Far ends to talk to, on loopback: servers that answer as a test says, and places where nobody listens. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** Listens on a free port of 127.0.0.1 until the test is over; then every connection is cut. */
export async function listening(server: Server): Promise<number> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    const closed = new Promise(resolve => server.close(resolve))
    for (const socket of open) socket.destroy()
    await closed
  })
  return (server.address() as AddressInfo).port
}

const here = (port: number) => `http://127.0.0.1:${port}/`

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts)
}

/** Answers every request as told, and keeps what it was asked. */
export async function answering(answer: (asked: Asked) => Answer) {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    const one = { method, path: url, headers, body: await bodyOf(request) }
    asked.push(one)
    const { status = 200, headers: own, body = '' } = answer(one)
    response.writeHead(status, own).end(body)
  })
  return { url: here(await listening(server)), asked }
}

/** Does with a connection what the test says, once something has come in through it. */
export async function speaking(speak: (socket: Socket) => void) {
  const server = createTcpServer(socket => socket.once('data', () => speak(socket)))
  return { url: here(await listening(server)) }
}

/** An address where nothing listens: the port was free a moment ago. */
export async function refused(): Promise<string> {
  const server = createTcpServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return here(port)
}
