/**
 * When the next request may be sent. Pure: times are arguments, in milliseconds of any clock that never steps.
 *
 * The service counts arrivals in one-second windows. A request takes the shortest round trip at least; how much longer it was
 * on its way to the service is no more than its reply was slower than the shortest one. So a slot is free again one window plus
 * that much after sending, and no window of the service, wherever it begins, holds more than `max` requests.
 *
 * Other clients may share the limit; only throttles show it. A throttle cuts the rate, successes raise it again, by the square
 * root of the rate, so that the rates of all clients become equal. Below `max` intervals are random, because clients with
 * equal intervals would keep meeting. docs/architecture.md has the reasons for the numbers.
 */
import { pauseAfter } from './retry.ts'

export interface RateLimiterState {
  /** Requests a second that the operator allows. */
  readonly max: number
  /** Requests a second right now. */
  readonly rate: number
  /** Factor of the next interval while the rate is below `max`: from 0.5 to 1.5. */
  readonly jitter: number
  /** When each counted request was sent, and when it was answered (undefined: under way). */
  readonly counted: ReadonlyArray<{ readonly sent: number; readonly replied: number | undefined }>
  /** The shortest and the longest round trip, not counting the first request, which opens the connection. */
  readonly minRtt: number
  readonly maxRtt: number
  /** Round trips of which these are the two. */
  readonly roundTrips: number
  /** When the last request was sent, or should have been: a late timer does not delay those that follow. */
  readonly lastSentAt: number
  readonly pausedUntil: number
  readonly lastDecreaseAt: number
  /** The first throttle since the rate was last at `max`. */
  readonly throttledSince: number | undefined
  /** Requests in a row without an answer, and when the last of them failed. */
  readonly unanswered: number
  readonly unansweredAt: number
  /** Until a reply shows that clock and credentials are right, only one request is under way. */
  readonly warmedUp: boolean
}

const WINDOW = 1_000

/** Clocks drift a little, and no two round trips are equal. */
const GUARD = 2

/** The longest assumed delay on the way to the service; what a reply takes beyond it is the service's own work. */
const MAX_TRANSIT = 250

/** Until so many round trips are known a slot is free only one window after its reply. */
const KNOWN_AFTER = 30

/** How far below the shortest of `n` round trips another may be: this part of their spread, divided by √n. */
const UNSEEN = 1.5

/** The most that is made up for after late timers. */
const MAX_CATCH_UP = 50

/** What a throttle leaves of the rate. */
const DECREASE = 0.75

/** Successes from almost no rate to `max`. */
const RECOVERY = 15

/** The longest interval, in milliseconds and as a share of the time for which the limit has been crowded. */
const MAX_INTERVAL = { least: 2_000, share: 1 / 30, most: 120_000 } as const

/** A rate is forgotten when nothing was sent for this long. */
const RESET_AFTER = 600_000

/** Without answers. Often enough that a few certificates that no gateway lets through do not look like an outage. */
const MAX_PROBE_INTERVAL = 8_000

export const createLimiter = (max: number): RateLimiterState => ({
  max,
  rate: max,
  jitter: 1,
  counted: [],
  minRtt: Infinity,
  maxRtt: 0,
  roundTrips: 0,
  lastSentAt: -Infinity,
  pausedUntil: -Infinity,
  lastDecreaseAt: -Infinity,
  throttledSince: undefined,
  unanswered: 0,
  unansweredAt: -Infinity,
  warmedUp: false,
})

/** No round trip is shorter, as far as those that are known show. */
function leastRtt({ minRtt, maxRtt, roundTrips }: RateLimiterState): number {
  if (roundTrips < KNOWN_AFTER) return 0
  const spread = Math.min(maxRtt - minRtt, MAX_TRANSIT)
  return Math.max(0, minRtt - (UNSEEN * spread) / Math.sqrt(roundTrips))
}

/** When the slot of a request is free again. */
function freeAt({ sent, replied }: RateLimiterState['counted'][number], least: number): number {
  const delay = replied === undefined ? MAX_TRANSIT : replied - sent - least
  return sent + Math.min(delay, MAX_TRANSIT) + WINDOW + GUARD
}

/** Milliseconds until a request may be sent: 0 now, Infinity when only a reply can make room. */
export function delayUntilNext(state: RateLimiterState, now: number): number {
  const isFirstUnderWay = !state.warmedUp && state.counted.some(one => one.replied === undefined)
  return isFirstUnderWay ? Infinity : Math.max(0, readyAt(state) - now)
}

function readyAt(state: RateLimiterState): number {
  const { max, rate, jitter, counted } = state
  const slots = state.warmedUp ? Math.max(1, Math.floor(rate)) : 1
  const least = leastRtt(state)
  const free = counted.map(one => freeAt(one, least)).sort((a, b) => b - a)
  const interval = Math.max(1_000 / max, rate < max ? (1_000 * jitter) / rate : 0)
  return Math.max(free[slots - 1] ?? -Infinity, state.lastSentAt + interval, state.pausedUntil)
}

/** The state after sending a request that has waited since `wanted`. */
export const onSent = (state: RateLimiterState, now: number, wanted = now): RateLimiterState => ({
  ...state,
  ...(now - state.lastSentAt > RESET_AFTER && { rate: state.max, throttledSince: undefined }),
  counted: [
    ...state.counted.filter(one => one.replied === undefined || freeAt(one, 0) > now),
    { sent: now, replied: undefined },
  ],
  lastSentAt: Math.max(now - MAX_CATCH_UP, Math.min(now, Math.max(wanted, readyAt(state)))),
})

export interface ReplyKind {
  readonly throttled: boolean
  /** Shows that clock and credentials are right. */
  readonly proves: boolean
  /** The service did not answer. */
  readonly silent?: boolean
}

/** The state after the request of `sentAt` ended. `random` is from 0 to 1. */
export function onReply(
  state: RateLimiterState,
  sentAt: number,
  now: number,
  { throttled, proves, silent }: ReplyKind,
  random: number,
): RateLimiterState {
  const index = state.counted.findIndex(one => one.sent === sentAt && one.replied === undefined)
  const counted = index < 0 ? state.counted : state.counted.with(index, { sent: sentAt, replied: now })
  if (silent) return onNoAnswer({ ...state, counted }, sentAt, now, random)
  const shortest = state.warmedUp && {
    minRtt: Math.min(state.minRtt, now - sentAt),
    maxRtt: Math.max(state.maxRtt, now - sentAt),
    roundTrips: state.roundTrips + 1,
  }
  const next = { ...state, ...shortest, counted, warmedUp: state.warmedUp || proves, unanswered: 0 }
  if (throttled) return decrease(next, sentAt, now, random)
  return proves ? increase(next, random) : next
}

function increase(state: RateLimiterState, random: number): RateLimiterState {
  const rate = Math.min(state.max, state.rate + (2 * Math.sqrt(state.rate * state.max)) / RECOVERY)
  const throttledSince = rate < state.max ? state.throttledSince : undefined
  return { ...state, rate, throttledSince, jitter: 0.5 + random }
}

function decrease(state: RateLimiterState, sentAt: number, now: number, random: number): RateLimiterState {
  // requests that were under way together are throttled together, which counts once
  if (sentAt <= state.lastDecreaseAt) return state
  const throttledSince = state.throttledSince ?? now
  const { least, share, most } = MAX_INTERVAL
  const longest = Math.min(most, Math.max(least, (now - throttledSince) * share))
  const rate = Math.min(state.rate, Math.max(state.rate * DECREASE, 1_000 / longest))
  const pausedUntil = Math.max(state.pausedUntil, now + WINDOW * random)
  return { ...state, rate, throttledSince, jitter: 0.5 + random, lastDecreaseAt: now, pausedUntil }
}

/** During an outage requests become ever rarer, for all certificates together. The first failure may be an accident. */
function onNoAnswer(state: RateLimiterState, sentAt: number, now: number, random: number): RateLimiterState {
  if (sentAt < state.unansweredAt) return state
  const unanswered = state.unanswered + 1
  const pause = unanswered < 2 ? 0 : Math.min(MAX_PROBE_INTERVAL, pauseAfter(unanswered - 1, random))
  return { ...state, unanswered, unansweredAt: now, pausedUntil: Math.max(state.pausedUntil, now + pause) }
}
