/** How the emulator misbehaves: the kinds, what each does to an answer, and seeded dice that choose. Pure. */
import { ApiError } from './errors.ts'
import type { Answer } from './gateway.ts'

export type InjectedFaultName =
  | 'gateway-throttle' // RequestLimitExceeded although the rate was kept
  | 'backend-throttle' // LimitExceeded.RateLimitExceeded, likewise
  | 'internal-error' // InternalError, nothing done
  | 'bad-gateway' // HTTP 502 with a page of HTML, nothing done
  | 'reset-before' // the connection is reset, nothing done
  | 'reset-after' // the connection is reset after the request was carried out
  | 'truncated' // carried out, but the JSON breaks off half-way
  | 'stall'
// carried out at once, answered late

/** `{ stall: 50 }` is a stall of 50 ms; plain `'stall'` is one of two seconds. */
export type InjectedFault = InjectedFaultName | { readonly stall: number }

export interface InjectedFaultRequest {
  /** Counts the requests of this emulator from 1. */
  readonly n: number
  readonly action: string
}

/** What goes over the wire. */
export interface Reply {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly reset: boolean
  /** Milliseconds to wait first. */
  readonly delay: number
}

/** The two ways to come by an answer; a mischief may use either, or neither. */
export interface Answers {
  readonly carryOut: () => Answer
  readonly refuse: (refusal: ApiError) => Answer
}

interface Spoiled {
  readonly answer: Answer | undefined
  readonly reply: Reply
}

const STALL = 2000

const BAD_GATEWAY =
  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n'

const honest = { status: 200, type: 'application/json', reset: false, delay: 0 } as const

const ok = (answer: Answer): Spoiled => ({
  answer,
  reply: { ...honest, body: JSON.stringify({ Response: answer.response }) },
})

const changed = ({ answer, reply }: Spoiled, changes: Partial<Reply>): Spoiled => ({
  answer,
  reply: { ...reply, ...changes },
})

const nothing = (changes: Partial<Reply>): Spoiled => ({
  answer: undefined,
  reply: { ...honest, body: '', ...changes },
})

const KINDS: Readonly<Record<InjectedFaultName, (answers: Answers, stall: number) => Spoiled>> = {
  'gateway-throttle': ({ refuse }) => ok(refuse(new ApiError('gatewayThrottle', { times: 11, limit: 10 }))),
  'backend-throttle': ({ refuse }) => ok(refuse(new ApiError('backendThrottle'))),
  'internal-error': ({ refuse }) => ok(refuse(new ApiError('internal'))),
  'bad-gateway': () => nothing({ status: 502, type: 'text/html', body: BAD_GATEWAY }),
  'reset-before': () => nothing({ reset: true }),
  'reset-after': ({ carryOut }) => changed(ok(carryOut()), { reset: true }),
  truncated: ({ carryOut }) => {
    const whole = ok(carryOut())
    return changed(whole, { body: whole.reply.body.slice(0, whole.reply.body.length / 2) })
  },
  stall: ({ carryOut }, stall) => changed(ok(carryOut()), { delay: stall }),
}

export const nameOf = (mischief: InjectedFault): InjectedFaultName =>
  typeof mischief === 'string' ? mischief : 'stall'

export function injectFault(mischief: InjectedFault | undefined, answers: Answers): Spoiled {
  if (mischief === undefined) return ok(answers.carryOut())
  return KINDS[nameOf(mischief)](answers, typeof mischief === 'string' ? STALL : mischief.stall)
}

/** mulberry32: one well-mixed number in [0, 1) for each seed. https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function roll(seed: number): number {
  let t = (seed + 0x6d2b79f5) | 0
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

/** FNV-1a, so that 7 and '7' are one seed and any word is another. */
const seedOf = (seed: number | string) =>
  [...String(seed)].reduce(
    (hash, letter) => Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193),
    0x811c9dc5,
  )

const NAMES = Object.keys(KINDS) as readonly InjectedFaultName[]

const SHARE = 0.3

const IN_A_ROW = 3

/**
 * Decides by seed and request number alone, so that a run repeats even when requests race each other.
 * After three mischiefs in a row comes a request that is answered: nobody who keeps trying is kept out.
 */
export function randomFaults(
  seed: number | string,
  { stall = STALL }: { readonly stall?: number } = {},
): (request: InjectedFaultRequest) => InjectedFault | undefined {
  const start = seedOf(seed)
  const tempted = (n: number) => n > 0 && roll(start + Math.imul(n, 0x9e3779b9)) < SHARE
  return ({ n }) => {
    const before = Array.from({ length: IN_A_ROW }, (_, i) => n - 1 - i)
    if (!tempted(n) || before.every(tempted)) return undefined
    const name = NAMES[Math.floor(roll(start ^ Math.imul(n, 0x85ebca6b)) * NAMES.length)]
    return name === 'stall' ? { stall } : name
  }
}
