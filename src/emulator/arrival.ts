/** A request as it arrived: method, headers and the exact bytes. Reads from the socket, decides nothing. */
import type { IncomingMessage } from 'node:http'

const POST_LIMIT = 10 * 1024 * 1024
const QUERY_LIMIT = 32 * 1024

export interface IncomingRequest {
  /** Milliseconds, by the emulator's clock, when the headers came in. */
  readonly at: number
  readonly method: string
  readonly path: string
  /** As sent, still percent-encoded, without the question mark. */
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly oversized: boolean
}

function flat(headers: IncomingMessage['headers']): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [name, String(value ?? '')] as const)
  return Object.fromEntries(entries)
}

/** Reads to the end even past the limit, without keeping it: a client still writing would never see the reply. */
async function bodyOf(request: IncomingMessage): Promise<{ readonly body: Buffer; readonly size: number }> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size <= POST_LIMIT) chunks.push(chunk)
  }
  return { body: Buffer.concat(chunks), size }
}

export async function parseRequest(request: IncomingMessage, at: number): Promise<IncomingRequest> {
  const [path = '/', ...rest] = (request.url ?? '/').split('?')
  const query = rest.join('?')
  const { body, size } = await bodyOf(request)
  return {
    at,
    method: request.method ?? '',
    path,
    query,
    headers: flat(request.headers),
    body,
    oversized: size > POST_LIMIT || query.length > QUERY_LIMIT,
  }
}
