/** What each action may be sent: names and types in a table, and the checks that hold a request to it. Pure. */
import type { IncomingMessage } from 'node:http'
import { ApiError } from './errors.ts'

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

export interface Tag {
  readonly TagKey: string
  readonly TagValue: string
}

interface Values {
  readonly string: string
  readonly integer: number
  readonly boolean: boolean
  readonly strings: readonly string[]
  readonly integers: readonly number[]
  readonly tags: readonly Tag[]
}

type Type = keyof Values

type Types = Readonly<Record<string, Type>>

/** https://www.tencentcloud.com/document/product/1007/36579 and the mainland SDK's models of 2026-08. */
const PARAMETERS = {
  UploadCertificate: {
    required: { CertificatePublicKey: 'string' },
    optional: {
      CertificatePrivateKey: 'string',
      CertificateType: 'string',
      Alias: 'string',
      ProjectId: 'integer',
      CertificateUse: 'string',
      Tags: 'tags',
      Repeatable: 'boolean',
      KeyPassword: 'string',
    },
  },
  DescribeCertificates: {
    required: {},
    optional: {
      Offset: 'integer',
      Limit: 'integer',
      SearchKey: 'string',
      CertificateType: 'string',
      ProjectId: 'integer',
      ExpirationSort: 'string',
      CertificateStatus: 'integers',
      Deployable: 'integer',
      Upload: 'integer',
      Renew: 'integer',
      FilterSource: 'string',
      IsSM: 'integer',
      FilterExpiring: 'integer',
      Hostable: 'integer',
      Tags: 'tags',
      IsPendingIssue: 'integer',
      CertIds: 'strings',
      ServiceId: 'string',
    },
  },
  DescribeCertificateDetail: { required: { CertificateId: 'string' }, optional: {} },
  CheckCertificateExist: { required: { CertificatePublicKey: 'string' }, optional: {} },
  DeleteCertificate: { required: { CertificateId: 'string' }, optional: { IsCheckResource: 'boolean' } },
} as const satisfies Record<string, { readonly required: Types; readonly optional: Types }>

type Table = typeof PARAMETERS

export type Action = keyof Table

/** An action's parameters once they have been proven. */
export type Sent<A extends Action> = {
  readonly [P in keyof Table[A]['required']]: Values[Table[A]['required'][P] & Type]
} & { readonly [P in keyof Table[A]['optional']]?: Values[Table[A]['optional'][P] & Type] }

export const isAction = (name: string): name is Action => Object.hasOwn(PARAMETERS, name)

const typesOf = (action: Action): Types => ({
  ...PARAMETERS[action].required,
  ...PARAMETERS[action].optional,
})

type Test = (value: unknown) => boolean

const string: Test = value => typeof value === 'string'

// uint64 on the wire; null is no value of any type.
const integer: Test = value => typeof value === 'number' && Number.isInteger(value) && value >= 0

const listOf = (test: Test) => (value: unknown) => Array.isArray(value) && value.every(test)

const IS: Readonly<Record<Exclude<Type, 'tags'>, Test>> = {
  string,
  integer,
  boolean: value => typeof value === 'boolean',
  strings: listOf(string),
  integers: listOf(integer),
}

const TAG = { TagKey: 'string', TagValue: 'string' } as const

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function checkTags(name: string, tags: unknown): void {
  if (!Array.isArray(tags)) throw new ApiError('type', { name })
  for (const [i, tag] of tags.entries()) {
    if (!isObject(tag)) throw new ApiError('type', { name: `${name}.${i}` })
    checkMembers(tag, TAG, ['TagKey', 'TagValue'], `${name}.${i}.`)
  }
}

function checkMembers(sent: object, types: Types, required: readonly string[], prefix = ''): void {
  for (const [name, value] of Object.entries(sent)) {
    const type = Object.hasOwn(types, name) ? types[name] : undefined
    if (type === undefined) continue
    if (type === 'tags') checkTags(name, value)
    else if (!IS[type](value)) throw new ApiError('type', { name: prefix + name })
  }
  const missing = required.find(name => !Object.hasOwn(sent, name))
  if (missing !== undefined) throw new ApiError('missing', { name: prefix + missing })
  const unknown = Object.keys(sent).find(name => !Object.hasOwn(types, name))
  if (unknown !== undefined) throw new ApiError('unknown', { name: prefix + unknown })
}

/** Throws the first Refusal in the order wrong type, missing, unknown; otherwise the type carries the proof. */
export function prove<A extends Action>(action: A, sent: object): Sent<A> {
  checkMembers(sent, typesOf(action), Object.keys(PARAMETERS[action].required))
  return sent as Sent<A>
}

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
