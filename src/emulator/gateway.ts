/** The checks a request passes, in the gateway's order, before its action is performed. */
import { timingSafeEqual } from 'node:crypto'
import { secret } from '../secret.ts'
import { signature, utcDate } from '../tencent/signature.ts'
import { type Backend, perform } from './actions.ts'
import { API_ERRORS, ApiError, errorBody } from './errors.ts'
import { type IncomingRequest, isAction, parametersOf } from './request.ts'

const SECOND = 1000

interface Limit {
  /** Throws a Refusal when `key` is over its rate at `at` (milliseconds). */
  readonly pass: (key: string, at: number) => void
}

interface Lane {
  readonly admitted: readonly number[]
  readonly refused: readonly number[]
  readonly refusals: number
}

const EMPTY: Lane = { admitted: [], refused: [], refusals: 0 }

const within = (times: readonly number[], at: number) => times.filter(time => time > at - SECOND)

/**
 * The real service counts in fixed one-second windows whose phase nobody knows. A sliding window is stricter:
 * a client that passes it passes every fixed one. Requests it turns away do not count against the next ones.
 */
export function createLimit(rate: number): Limit {
  const lanes = new Map<string, Lane>()
  return {
    pass: (key, at) => {
      if (rate === Number.POSITIVE_INFINITY) return // nor keep a list that nothing would ever shorten
      const lane = lanes.get(key) ?? EMPTY
      const admitted = within(lane.admitted, at)
      const refused = within(lane.refused, at)
      if (admitted.length < rate) {
        lanes.set(key, { ...lane, admitted: [...admitted, at], refused })
        return
      }
      const refusals = lane.refusals + 1
      lanes.set(key, { admitted, refused: [...refused, at], refusals })
      throw throttle(refusals, admitted.length + refused.length + 1, rate)
    },
  }
}

/**
 * Two codes mean "too fast": the gateway's own, and the ssl backend's for what slips through the gateway. Every
 * second refusal counts as slipped through, so that a client which knows only one of the codes is found out.
 */
function throttle(refusals: number, times: number, limit: number): ApiError {
  return refusals % 2 === 1
    ? new ApiError('gatewayThrottle', { times, limit })
    : new ApiError('backendThrottle')
}

const SERVICE = 'ssl'

interface Authorization {
  readonly secretId: string
  readonly date: string
  readonly service: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

// Whether the gateway insists on single spaces is not known: white space is read leniently, everything else strictly.
const HEADER =
  /^TC3-HMAC-SHA256\s+Credential=([^\s,/]+)\/(\d{4}-\d\d-\d\d)\/([^\s,/]+)\/tc3_request\s*,\s*SignedHeaders=([^\s,]+)\s*,\s*Signature=([0-9a-f]{64})$/

function authorizationOf(headers: IncomingRequest['headers']): Authorization {
  const match = HEADER.exec(headers.authorization?.trim() ?? '')
  if (!match) throw new ApiError('authorization')
  const [secretId = '', date = '', service = '', list = '', digest = ''] = match.slice(1)
  const signedHeaders = list.split(';')
  if (!['content-type', 'host'].every(name => signedHeaders.includes(name))) {
    throw new ApiError('authorization')
  }
  return { secretId, date, service, signedHeaders, signature: digest }
}

/** The algorithm wants the names ascending; tc3.ts sorts them itself, so a list in disorder must fail here. */
const inOrder = (names: readonly string[]) => names.every((name, i) => i === 0 || name > (names[i - 1] ?? ''))

/** Clients sign the Host header as sent or, like the official Node SDK, without its port. */
const hostsOf = (host: string) => new Set([host, host.replace(/:\d+$/, '')])

function signedValues(
  arrival: IncomingRequest,
  names: readonly string[],
  host: string,
): Record<string, string> {
  const entries = names.map(name => {
    const value = name === 'host' ? host : arrival.headers[name]
    if (value === undefined) throw new ApiError('signature')
    return [name, value] as const
  })
  return Object.fromEntries(entries)
}

const payloadOf = ({ headers, body }: IncomingRequest) =>
  headers['x-tc-content-sha256'] === 'UNSIGNED-PAYLOAD' ? 'UNSIGNED-PAYLOAD' : body

const equal = (a: string, b: string) => timingSafeEqual(Buffer.from(a), Buffer.from(b))

/** Throws a Refusal unless the holder of `secretKey` signed exactly this request. */
function proveSignature(arrival: IncomingRequest, claim: Authorization, secretKey: string): void {
  const timestamp = Number(arrival.headers['x-tc-timestamp'])
  const scoped = claim.service === SERVICE && claim.date === utcDate(timestamp)
  if (!scoped || !inOrder(claim.signedHeaders)) throw new ApiError('signature')
  const proven = [...hostsOf(arrival.headers.host ?? '')].some(host => {
    const signable = {
      method: arrival.method === 'GET' ? 'GET' : 'POST',
      query: arrival.query,
      headers: signedValues(arrival, claim.signedHeaders, host),
      payload: payloadOf(arrival),
      timestamp,
      service: SERVICE,
    } as const
    return equal(signature(signable, secret(secretKey)), claim.signature)
  })
  if (!proven) throw new ApiError('signature')
}

export interface Account {
  readonly secretKey: string
  /** Set for temporary credentials: requests must carry exactly this X-TC-Token. */
  readonly token?: string
  /** Actions the account's CAM policy denies. */
  readonly denied?: readonly string[]
}

export interface Gateway {
  readonly accounts: Readonly<Record<string, Account>>
  readonly limit: Limit
  readonly office: Backend
}

/** `code` is OK or the refusal's; `response` is what stands under Response on the wire. */
export interface Answer {
  readonly code: string
  readonly response: Readonly<Record<string, unknown>>
}

const VERSION = '2019-12-05'

const TOLERANCE = 300

const REGION = /^[a-z]+(-[a-z0-9]+)+$/

type Check = (arrival: IncomingRequest, gateway: Gateway) => void

function demand(condition: boolean, ...refusal: ConstructorParameters<typeof ApiError>): void {
  if (!condition) throw new ApiError(...refusal)
}

function accountOf({ headers }: IncomingRequest, { accounts }: Gateway): Account {
  const { secretId } = authorizationOf(headers)
  const account = Object.hasOwn(accounts, secretId) ? accounts[secretId] : undefined
  if (account === undefined) throw new ApiError('secretId')
  return account
}

const actionOf = ({ headers }: IncomingRequest) => headers['x-tc-action'] ?? ''

/** The real order is documented nowhere; what is: limits are counted at the gateway, ahead of the product. */
const CHECKS: readonly Check[] = [
  ({ method }) => demand(method === 'POST' || method === 'GET', 'protocol'),
  ({ path }) => demand(path === '/', 'path'),
  ({ oversized }) => demand(!oversized, 'size'),
  ({ headers }) => {
    for (const name of ['Action', 'Version', 'Timestamp']) {
      demand(!!headers[`x-tc-${name.toLowerCase()}`], 'missing', { name })
    }
  },
  ({ headers }) => demand(/^\d{1,12}$/.test(headers['x-tc-timestamp'] ?? ''), 'type', { name: 'Timestamp' }),
  ({ headers }) => void authorizationOf(headers),
  ({ headers, at }) =>
    demand(Math.abs(at / 1000 - Number(headers['x-tc-timestamp'])) <= TOLERANCE, 'expired'),
  (arrival, gateway) => void accountOf(arrival, gateway),
  (arrival, gateway) => demand(arrival.headers['x-tc-token'] === accountOf(arrival, gateway).token, 'token'),
  (arrival, gateway) =>
    proveSignature(arrival, authorizationOf(arrival.headers), accountOf(arrival, gateway).secretKey),
  (arrival, { limit }) =>
    limit.pass(`${authorizationOf(arrival.headers).secretId} ${actionOf(arrival)}`, arrival.at),
  ({ headers }) =>
    demand(headers['x-tc-version'] === VERSION, 'version', { name: headers['x-tc-version'] ?? '' }),
  arrival => demand(isAction(actionOf(arrival)), 'action', { name: actionOf(arrival) }),
  // Not needed by any action here and without effect, yet an empty one was seen refused.
  ({ headers }) => {
    const region = headers['x-tc-region']
    demand(region === undefined || REGION.test(region), 'region')
  },
  (arrival, gateway) => {
    const name = actionOf(arrival)
    demand(!accountOf(arrival, gateway).denied?.includes(name), 'denied', { name })
  },
]

function performed(arrival: IncomingRequest, gateway: Gateway): object {
  for (const check of CHECKS) check(arrival, gateway)
  const action = actionOf(arrival)
  if (!isAction(action)) throw new ApiError('action', { name: action })
  return perform(action, parametersOf(arrival, action), gateway.office)
}

export function refused(refusal: ApiError, arrival: IncomingRequest, requestId: string): Answer {
  const { code } = API_ERRORS[refusal.reason]
  const message = errorBody(refusal, arrival.headers['x-tc-language'], requestId)
  return { code, response: { Error: { Code: code, Message: message }, RequestId: requestId } }
}

export function answer(arrival: IncomingRequest, gateway: Gateway, requestId: string): Answer {
  try {
    return { code: 'OK', response: { ...performed(arrival, gateway), RequestId: requestId } }
  } catch (error) {
    if (error instanceof ApiError) return refused(error, arrival, requestId)
    throw error
  }
}
