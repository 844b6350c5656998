/** A request that has arrived: its body, the names of its parameters, and what is remembered of it. Pure. */
import { createHash } from 'node:crypto'
import { ApiError } from './errors.ts'
import { isObject } from './parameters.ts'

export interface IncomingRequest {
  /** Milliseconds, by the emulator's clock, when the headers came in. */
  readonly at: number
  readonly method: string
  /** With the query string, if there is one. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly oversized: boolean
}

const contentTypeOf = ({ headers }: IncomingRequest) =>
  headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''

/** @throws ApiError unless the body is a JSON object in UTF-8. */
export function parseBody(request: IncomingRequest): Readonly<Record<string, unknown>> {
  const type = contentTypeOf(request)
  if (type !== 'application/json') throw new ApiError('contentType', { name: type })
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request.body))
    if (isObject(value)) return value
  } catch {
    // the same error as for JSON that is not an object
  }
  throw new ApiError('json')
}

/** For the log of requests: names only, for one of the values is a private key. */
export function parameterNames(request: IncomingRequest): readonly string[] {
  try {
    return Object.keys(parseBody(request))
  } catch {
    return []
  }
}

/** What the emulator remembers of each request, for tests that compare and count. */
export interface JournalEntry {
  readonly n: number
  /** Milliseconds, when the request's headers arrived. */
  readonly at: number
  readonly action: string
  /** `OK`, an API error code, or the name of the injected fault. */
  readonly code: string
  readonly body: Readonly<Record<string, unknown>>
}

const SECRET = /PrivateKey|Password/

const PEM = /PublicKey/

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** A key is left out; a certificate is shortened to a digest, by which two can be compared. */
export function journalBody(request: IncomingRequest): Readonly<Record<string, unknown>> {
  try {
    const members = Object.entries(parseBody(request)).map(([name, value]) => {
      if (SECRET.test(name)) return [name, '[secret]']
      return [name, PEM.test(name) ? `[sha256 ${digest(String(value))}]` : value]
    })
    return Object.fromEntries(members)
  } catch {
    return {}
  }
}
