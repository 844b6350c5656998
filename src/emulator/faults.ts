/** Injected faults: what each does to an answer, and a seeded choice among them. Pure. */
import { ApiError } from './errors.ts'
import type { Answer } from './gateway.ts'

export type InjectedFaultName =
  | 'gateway-throttle' // RequestLimitExceeded although the rate was kept
  | 'backend-throttle' // LimitExceeded.RateLimitExceeded, likewise
  | 'internal-error' // InternalError; nothing is done
  | 'bad-gateway' // HTTP 502 with a page of HTML; nothing is done
  | 'reset-before' // the connection is reset; nothing is done
  | 'reset-after' // the connection is reset after the request was performed
  | 'truncated' // performed, but only the first half of the JSON is sent
  | 'stall' // performed at once, answered late

/** `{ stall: 50 }` is a stall of 50 ms; plain `'stall'` is one of two seconds. */
export type InjectedFault = InjectedFaultName | { readonly stall: number }

export interface FaultRequest {
  /** Counts the requests of this emulator from 1. */
  readonly n: number
  readonly action: string
}

/** Chooses the fault of a request, or none. */
export type FaultInjector = (request: FaultRequest) => InjectedFault | undefined

/** What goes over the wire. */
export interface Reply {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly reset: boolean
  /** Milliseconds to wait first. */
  readonly delay: number
}

/** The two ways to get an answer. A fault uses one of them or neither. */
export interface Answers {
  readonly perform: () => Answer
  readonly refuse: (error: ApiError) => Answer
}

interface Injected {
  readonly answer: Answer | undefined
  readonly reply: Reply
}

const STALL_MS = 2000

const BAD_GATEWAY =
  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n'

const OK = { status: 200, type: 'application/json', body: '', reset: false, delay: 0 } as const

const ok = (answer: Answer, changes: Partial<Reply> = {}): Injected => ({
  answer,
  reply: { ...OK, body: JSON.stringify({ Response: answer.response }), ...changes },
})

const unanswered = (changes: Partial<Reply>): Injected => ({
  answer: undefined,
  reply: { ...OK, ...changes },
})

const FAULTS: Readonly<Record<InjectedFaultName, (answers: Answers, stall: number) => Injected>> = {
  'gateway-throttle': ({ refuse }) => ok(refuse(new ApiError('gatewayThrottle', { times: 11, limit: 10 }))),
  'backend-throttle': ({ refuse }) => ok(refuse(new ApiError('backendThrottle'))),
  'internal-error': ({ refuse }) => ok(refuse(new ApiError('internal'))),
  'bad-gateway': () => unanswered({ status: 502, type: 'text/html', body: BAD_GATEWAY }),
  'reset-before': () => unanswered({ reset: true }),
  'reset-after': ({ perform }) => ok(perform(), { reset: true }),
  truncated: ({ perform }) => {
    const { answer, reply } = ok(perform())
    return { answer, reply: { ...reply, body: reply.body.slice(0, reply.body.length / 2) } }
  },
  stall: ({ perform }, stall) => ok(perform(), { delay: stall }),
}

export const faultName = (fault: InjectedFault): InjectedFaultName =>
  typeof fault === 'string' ? fault : 'stall'

export function injectFault(fault: InjectedFault | undefined, answers: Answers): Injected {
  if (fault === undefined) return ok(answers.perform())
  return FAULTS[faultName(fault)](answers, typeof fault === 'string' ? STALL_MS : fault.stall)
}

/** mulberry32: a number in [0, 1) for each seed. https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function random(seed: number): number {
  let t = (seed + 0x6d2b79f5) | 0
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

/** FNV-1a, so that a seed may be a number or a word. */
const seedOf = (seed: number | string) =>
  [...String(seed)].reduce(
    (hash, letter) => Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193),
    0x811c9dc5,
  )

const NAMES = Object.keys(FAULTS) as readonly InjectedFaultName[]

const SHARE = 0.3

const MAX_IN_A_ROW = 3

/**
 * Decides by seed and request number alone, so that a run can be repeated even if requests race each other. After three
 * faults in a row comes a request without one, so that a client that retries gets through.
 */
export function randomFaults(
  seed: number | string,
  { stall = STALL_MS }: { readonly stall?: number } = {},
): FaultInjector {
  const start = seedOf(seed)
  const isFaulty = (n: number) => n > 0 && random(start + Math.imul(n, 0x9e3779b9)) < SHARE
  return ({ n }) => {
    const before = Array.from({ length: MAX_IN_A_ROW }, (_, i) => n - 1 - i)
    if (!isFaulty(n) || before.every(isFaulty)) return undefined
    const name = NAMES[Math.floor(random(start ^ Math.imul(n, 0x85ebca6b)) * NAMES.length)]
    return name === 'stall' ? { stall } : name
  }
}
