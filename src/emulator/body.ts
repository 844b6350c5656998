/** What a request says: a JSON body or a flattened query string, as one object of parameters. Pure. */
import type { IncomingRequest } from './arrival.ts'
import { type Action, isObject, typesOf } from './parameters.ts'
import { ApiError } from './refusal.ts'

type Parameters = Readonly<Record<string, unknown>>

function json(body: Buffer): Parameters {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    if (isObject(value)) return value
  } catch {
    // Falls through: bytes that are not UTF-8, text that is not JSON and JSON that is no object are one error.
  }
  throw new ApiError('json')
}

const number = (text: string) => (/^\d+$/.test(text) ? Number(text) : text)
const READ: Readonly<Record<string, (text: string) => unknown>> = {
  integer: number,
  integers: number,
  boolean: text => (text === 'true' ? true : text === 'false' ? false : text),
}

/** `CertIds.0=a` and `Tags.0.TagKey=b` become a list of strings and a list of objects. */
function unflatten(query: string, types: Readonly<Record<string, string>>): Parameters {
  const sent: Record<string, unknown> = {}
  for (const [path, text] of new URLSearchParams(query)) {
    const [name = '', index, member] = path.split('.')
    const value = (READ[types[name] ?? ''] ?? String)(text)
    if (index === undefined) {
      sent[name] = value
      continue
    }
    const list = (Array.isArray(sent[name]) ? sent[name] : []) as unknown[]
    list[Number(index)] = member === undefined ? value : { ...(list[Number(index)] ?? {}), [member]: value }
    sent[name] = list
  }
  return sent
}

const mediaType = ({ headers }: IncomingRequest) =>
  headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''

export function parametersOf(arrival: IncomingRequest, action: Action): Parameters {
  const expected = arrival.method === 'GET' ? 'application/x-www-form-urlencoded' : 'application/json'
  if (mediaType(arrival) !== expected) throw new ApiError('contentType', { name: mediaType(arrival) })
  return arrival.method === 'GET' ? unflatten(arrival.query, typesOf(action)) : json(arrival.body)
}

/** The names sent, for the record; never the values, one of which is a private key. */
export function namesSent(arrival: IncomingRequest): readonly string[] {
  try {
    return arrival.method === 'GET'
      ? [...new Set([...new URLSearchParams(arrival.query).keys()].map(path => path.split('.')[0] ?? ''))]
      : Object.keys(json(arrival.body))
  } catch {
    return []
  }
}
