/** The checks a request passes, in the gateway's order, before its action is performed. */
import { type Backend, perform } from './actions.ts'
import type { IncomingRequest } from './arrival.ts'
import { parametersOf } from './body.ts'
import type { Limit } from './limit.ts'
import { API_ERRORS } from './messages.ts'
import { isAction } from './parameters.ts'
import { ApiError, errorBody } from './refusal.ts'
import { authorizationOf, proveSignature } from './signature.ts'

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
