/** The checks that a request passes before its action is performed, in the gateway's order. */
import { timingSafeEqual } from 'node:crypto'
import { secret } from '../secret.ts'
import { signature, utcDate } from '../tencent/signature.ts'
import { type Backend, exists, perform } from './actions.ts'
import { API_ERRORS, ApiError, errorMessage } from './errors.ts'
import type { Action } from './parameters.ts'
import { type IncomingRequest, parseBody } from './request.ts'

interface RateLimit {
  /** @throws ApiError if `key` exceeds its rate at `at` (milliseconds). */
  readonly check: (key: string, at: number) => void
}

interface Window {
  readonly admitted: readonly number[]
  readonly refused: readonly number[]
  readonly refusals: number
}

/**
 * The real service counts in fixed one-second windows of an unknown phase. A sliding window is stricter: a client that
 * passes it passes every fixed one. Refused requests do not count against the next ones.
 */
export function createRateLimit(rate: number): RateLimit {
  const windows = new Map<string, Window>()
  return {
    check: (key, at) => {
      if (rate === Number.POSITIVE_INFINITY) return
      const window = windows.get(key) ?? { admitted: [], refused: [], refusals: 0 }
      const admitted = window.admitted.filter(time => time > at - 1000)
      const refused = window.refused.filter(time => time > at - 1000)
      if (admitted.length < rate) {
        windows.set(key, { admitted: [...admitted, at], refused, refusals: window.refusals })
        return
      }
      const refusals = window.refusals + 1
      windows.set(key, { admitted, refused: [...refused, at], refusals })
      throw throttle(refusals, admitted.length + refused.length + 1, rate)
    },
  }
}

/** Two codes mean "too fast": the gateway's and the ssl backend's. They alternate, so that a client meets both. */
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

// It is not known whether the gateway requires single spaces, so white space is read leniently.
const HEADER =
  /^TC3-HMAC-SHA256\s+Credential=([^\s,/]+)\/(\d{4}-\d\d-\d\d)\/([^\s,/]+)\/tc3_request\s*,\s*SignedHeaders=([^\s,]+)\s*,\s*Signature=([0-9a-f]{64})$/

function authorizationOf({ headers }: IncomingRequest): Authorization {
  const match = HEADER.exec(headers.authorization?.trim() ?? '')
  if (!match) throw new ApiError('authorization')
  const [secretId = '', date = '', service = '', list = '', digest = ''] = match.slice(1)
  const signedHeaders = list.split(';')
  if (!['content-type', 'host'].every(name => signedHeaders.includes(name))) {
    throw new ApiError('authorization')
  }
  return { secretId, date, service, signedHeaders, signature: digest }
}

/** signature.ts sorts the names itself, so a list out of order must fail here. */
const isSorted = (names: readonly string[]) =>
  names.every((name, i) => i === 0 || name > (names[i - 1] ?? ''))

function signedValues(request: IncomingRequest, names: readonly string[], host: string) {
  const values: Record<string, string> = {}
  for (const name of names) {
    const value = name === 'host' ? host : request.headers[name]
    if (value === undefined) throw new ApiError('signature')
    values[name] = value
  }
  return values
}

const equal = (a: string, b: string) => timingSafeEqual(Buffer.from(a), Buffer.from(b))

/** @throws ApiError unless the request was signed with `secretKey`. */
function checkSignature(request: IncomingRequest, secretKey: string): void {
  const claim = authorizationOf(request)
  const timestamp = Number(request.headers['x-tc-timestamp'])
  const inScope = claim.service === SERVICE && claim.date === utcDate(timestamp)
  if (!inScope || !isSorted(claim.signedHeaders)) throw new ApiError('signature')
  // the official Node SDK signs the host without its port
  const host = request.headers.host ?? ''
  const matches = [host, host.replace(/:\d+$/, '')].some(name => {
    const headers = signedValues(request, claim.signedHeaders, name)
    const signable = { headers, payload: request.body, timestamp, service: SERVICE }
    return equal(signature(signable, secret(secretKey)), claim.signature)
  })
  if (!matches) throw new ApiError('signature')
}

export interface Account {
  readonly secretKey: string
  /** Set for temporary credentials: requests must have exactly this X-TC-Token. */
  readonly token?: string
  /** Actions that the account's CAM policy denies. */
  readonly denied?: readonly string[]
  /** Who says so: the gateway, or the product with a code of its own. */
  readonly deniedBy?: 'gateway' | 'product'
}

export interface Gateway {
  readonly accounts: Readonly<Record<string, Account>>
  readonly limit: RateLimit
  readonly backend: Backend
}

export interface Answer {
  /** `OK` or the error's code. */
  readonly code: string
  /** The content of Response on the wire. */
  readonly response: Readonly<Record<string, unknown>>
}

const VERSION = '2019-12-05'

const CLOCK_TOLERANCE_S = 300

const REGION = /^[a-z]+(-[a-z0-9]+)+$/

function demand(condition: boolean, ...error: ConstructorParameters<typeof ApiError>): void {
  if (!condition) throw new ApiError(...error)
}

function accountOf(request: IncomingRequest, { accounts }: Gateway): Account {
  const { secretId } = authorizationOf(request)
  const account = Object.hasOwn(accounts, secretId) ? accounts[secretId] : undefined
  if (account === undefined) throw new ApiError('secretId')
  return account
}

/** The service's order is not documented, except that its gateway counts requests before the product sees them. */
function check(request: IncomingRequest, gateway: Gateway): Action {
  const { headers, at } = request
  demand(request.method === 'POST' || request.method === 'GET', 'protocol')
  demand(request.path === '/', 'path')
  demand(!request.oversized, 'size')
  for (const name of ['Action', 'Version', 'Timestamp']) {
    demand(!!headers[`x-tc-${name.toLowerCase()}`], 'missing', { name })
  }
  const action = headers['x-tc-action'] ?? ''
  const timestamp = headers['x-tc-timestamp'] ?? ''
  demand(/^\d{1,12}$/.test(timestamp), 'type', { name: 'Timestamp' })
  const { secretId } = authorizationOf(request)
  demand(Math.abs(at / 1000 - Number(timestamp)) <= CLOCK_TOLERANCE_S, 'expired')
  const account = accountOf(request, gateway)
  demand(headers['x-tc-token'] === account.token, 'token')
  checkSignature(request, account.secretKey)
  gateway.limit.check(`${secretId} ${action}`, at)
  demand(headers['x-tc-version'] === VERSION, 'version', { name: headers['x-tc-version'] ?? '' })
  if (!exists(action, gateway.backend.account.traps.site)) throw new ApiError('action', { name: action })
  // no action here needs a region, but the service refuses an empty one
  const region = headers['x-tc-region']
  demand(region === undefined || REGION.test(region), 'region')
  const denial = account.deniedBy === 'product' ? 'authError' : 'denied'
  demand(!account.denied?.includes(action), denial, { name: action })
  return action
}

export function refuse(error: ApiError, request: IncomingRequest, requestId: string): Answer {
  const { code } = API_ERRORS[error.reason]
  const message = errorMessage(error, request.headers['x-tc-language'], requestId)
  return { code, response: { Error: { Code: code, Message: message }, RequestId: requestId } }
}

export function answer(request: IncomingRequest, gateway: Gateway, requestId: string): Answer {
  try {
    const action = check(request, gateway)
    const result = perform(action, parseBody(request), gateway.backend)
    return { code: 'OK', response: { ...result, RequestId: requestId } }
  } catch (error) {
    if (error instanceof ApiError) return refuse(error, request, requestId)
    throw error
  }
}
