/** A request that has arrived: its body and the names of its parameters. Pure. */
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
