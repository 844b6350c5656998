/** Reads a reply of the service and refuses the answers of gateways and proxies. Pure. */
import * as v from 'valibot'
import { Fault } from '../errors.ts'
import { MASK } from '../secret.ts'
import { printableText } from '../terminal/text.ts'
import { apiFault } from './errorCodes.ts'

/** Shorter passwords may equal ordinary words, which a message needs. */
const SHORTEST = 8

const isLongEnough = (line: string) => line.length >= SHORTEST && !line.startsWith('-----')

/** The parameters of an action. */
export type Parameters = Readonly<Record<string, unknown>>

/** The secrets of a request: the private key, line by line, and its password. */
export const secretsOf = ({ CertificatePrivateKey: key, KeyPassword: password }: Parameters) => [
  ...String(key ?? '').split('\n'),
  String(password ?? ''),
]

export const redactSent =
  (sent: readonly string[]) =>
  (text: string): string =>
    sent.filter(isLongEnough).reduce((left, line) => left.replaceAll(line, MASK), text)

export interface Reply {
  readonly requestId: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** A reply's fields in the form of `schema`. @throws Fault REPLY_UNREADABLE. */
export function fieldsOf<Schema extends v.GenericSchema>(
  { fields, requestId }: Reply,
  schema: Schema,
): v.InferOutput<Schema> {
  const { success, output, issues } = v.safeParse(schema, fields)
  if (success) return output
  const where = issues.map(issue => v.getDotPath(issue) ?? 'the reply').join(', ')
  throw new Fault('REPLY_UNREADABLE', `the service's answer has another form than documented: ${where}`, {
    requestId,
    advice: 'If this stays, see whether there is a newer certferry, or report it with the request ID.',
  })
}

type Cut = (text: string) => string

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * An Error in the body decides before the HTTP status: the service answers failures with 200, and a gateway may change that.
 * Without an Error, only a success with an envelope is a reply of the service.
 * `cut` removes from every text what must not be quoted. @throws Fault of the service's code, or REPLY_UNREADABLE.
 */
export function readReply(status: number, body: string, cut: Cut = text => text): Reply {
  const response = envelopeOf(body, cut)
  const requestId =
    typeof response?.RequestId === 'string' ? printableText(response.RequestId, 64) : undefined
  const error = response?.Error ?? undefined
  if (isObject(error) && typeof error.Code === 'string' && error.Code.trim()) {
    throw apiFault(error.Code, typeof error.Message === 'string' ? error.Message : '', requestId)
  }
  if (error !== undefined)
    throw new Fault('REPLY_UNREADABLE', "the answer was an error without a code, not the service's")
  // a gateway may make a 201 or a 202 of the service's 200
  if (status < 200 || status > 299 || (status !== 200 && !response)) throw otherStatus(status)
  if (!response || requestId === undefined)
    throw new Fault('REPLY_UNREADABLE', `the answer was ${kindOf(body)}, not the service's`)
  return { requestId, fields: response }
}

function otherStatus(status: number): Fault {
  if (status >= 300 && status < 400) {
    const what = `the answer was a redirect (HTTP ${status}), and the private key follows none`
    return new Fault('REPLY_UNREADABLE', what)
  }
  const what = `the answer was HTTP ${status}, not the service's`
  return new Fault('REPLY_UNREADABLE', what, status >= 500 ? { advice: GATEWAY } : {})
}

const GATEWAY = 'The service, or a proxy in front of it, is failing; the next run tries again.'

function envelopeOf(body: string, cut: Cut): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body.replace(/^\uFEFF/, ''), (_, value) =>
      typeof value === 'string' ? cut(value) : value,
    )
    return isObject(parsed) && isObject(parsed.Response) ? parsed.Response : undefined
  } catch {
    return undefined
  }
}

function kindOf(body: string): string {
  const start = body.trimStart()
  if (start === '') return 'empty'
  if (start.startsWith('<')) return 'a page of HTML'
  return start.startsWith('{') ? 'JSON that is cut off or of another form' : 'of an unknown kind'
}
