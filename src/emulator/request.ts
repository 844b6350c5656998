/** A request as it arrives, and the parameters that each action takes: names and types in one table. Pure. */
import type { IncomingMessage } from 'node:http'
import { ApiError } from './errors.ts'

/** The service's own limit, in bytes. */
const MAX_BODY_BYTES = 10 * 1024 * 1024

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

/** Reads to the end even past the limit: a client that is still writing would not see the reply. */
export async function readRequest(request: IncomingMessage, at: number): Promise<IncomingRequest> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value ?? '')])
  return {
    at,
    method: request.method ?? '',
    path: request.url ?? '/',
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks),
    oversized: size > MAX_BODY_BYTES,
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
  readonly tags: readonly Tag[]
}

type Type = keyof Values

type Types = Readonly<Record<string, Type>>

/**
 * https://www.tencentcloud.com/document/product/1007/36579 and the mainland SDK's models of 2026-08. The list has some
 * more filters, which certferry does not send.
 */
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
    optional: { Offset: 'integer', Limit: 'integer', SearchKey: 'string', CertIds: 'strings' },
  },
  CheckCertificateExist: { required: { CertificatePublicKey: 'string' }, optional: {} },
  DeleteCertificate: { required: { CertificateId: 'string' }, optional: { IsCheckResource: 'boolean' } },
} as const satisfies Record<string, { readonly required: Types; readonly optional: Types }>

type Table = typeof PARAMETERS

export type Action = keyof Table

/** An action's parameters after they have been checked. */
export type Parameters<A extends Action> = {
  readonly [P in keyof Table[A]['required']]: Values[Table[A]['required'][P] & Type]
} & { readonly [P in keyof Table[A]['optional']]?: Values[Table[A]['optional'][P] & Type] }

export const isAction = (name: string): name is Action => Object.hasOwn(PARAMETERS, name)

const isString = (value: unknown) => typeof value === 'string'

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** null is a value of no type. */
const IS: Readonly<Record<Exclude<Type, 'tags'>, (value: unknown) => boolean>> = {
  string: isString,
  integer: value => typeof value === 'number' && Number.isInteger(value) && value >= 0,
  boolean: value => typeof value === 'boolean',
  strings: value => Array.isArray(value) && value.every(isString),
}

const TAG = { TagKey: 'string', TagValue: 'string' } as const

function checkTags(name: string, tags: unknown): void {
  if (!Array.isArray(tags)) throw new ApiError('type', { name })
  for (const [i, tag] of tags.entries()) {
    if (!isObject(tag)) throw new ApiError('type', { name: `${name}.${i}` })
    checkMembers(tag, TAG, Object.keys(TAG), `${name}.${i}.`)
  }
}

function checkMembers(sent: object, types: Types, required: readonly string[], prefix = ''): void {
  for (const [name, value] of Object.entries(sent)) {
    const type = Object.hasOwn(types, name) ? types[name] : undefined
    if (type === 'tags') checkTags(name, value)
    else if (type && !IS[type](value)) throw new ApiError('type', { name: prefix + name })
  }
  const missing = required.find(name => !Object.hasOwn(sent, name))
  if (missing !== undefined) throw new ApiError('missing', { name: prefix + missing })
  const unknown = Object.keys(sent).find(name => !Object.hasOwn(types, name))
  if (unknown !== undefined) throw new ApiError('unknown', { name: prefix + unknown })
}

/** @throws ApiError for the first fault in the order wrong type, missing, unknown. */
export function checkParameters<A extends Action>(action: A, sent: object): Parameters<A> {
  const { required, optional } = PARAMETERS[action]
  checkMembers(sent, { ...required, ...optional }, Object.keys(required))
  return sent as Parameters<A>
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
