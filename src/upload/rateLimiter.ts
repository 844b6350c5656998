/**
 * How fast requests may leave. Pure: times are arguments, in milliseconds of any clock that never steps.
 *
 * The service counts arrivals in one-second windows. The way there takes what it takes at the quickest, the same for all;
 * how much longer one was under way, its reply tells: by no more than it was slower than the quickest. So a place is given
 * back one window and that much after the sending, and no window of the service's, wherever it begins, sees more than `max`.
 *
 * Others may share the limit: how many, only throttles tell. docs/architecture.md has the reasons for the numbers.
 */
import { pauseAfter } from './retry.ts'

export interface RateLimiterState {
  /** Requests a second that the operator allows. */
  readonly max: number
  /** Requests a second right now: cut by a throttle, grown back by successes. */
  readonly rate: number
  /** What the dice make of the interval between two requests while the rate is below `max`. */
  readonly stride: number
  /** When each counted request was sent, and when it was known to have arrived (undefined: still under way). */
  readonly counted: ReadonlyArray<{ readonly sent: number; readonly arrived: number | undefined }>
  /** The shortest time between a request and its reply; not of the first, which opens the connection. */
  readonly quickest: number
  /** When the last request left, or should have: a timer that rings late does not slow down all that follow. */
  readonly leftAt: number
  readonly restsUntil: number
  readonly cutAt: number
  /** Since when the limit has been crowded: the first throttle after which full speed has not come back. */
  readonly crowdedSince: number | undefined
  /** Requests in a row that were not answered, and when the last of them came back in vain. */
  readonly silences: number
  readonly silentAt: number
  /** Before the first reply only one request is out: clock and credentials are proven by one, not by ten. */
  readonly proven: boolean
}

const WINDOW = 1_000

/** Clocks drift apart a little, and no way takes quite the same time twice. */
const GUARD = 2

/** The longest a request is believed to be held up on its way; a longer wait for the reply is the service's own work. */
const TRANSIT = 250

/** The most that is made up for after timers that ring late. */
const SLACK = 50

/** What a throttle leaves of the rate. */
const CUT = 0.75

/** Successes from standstill back to full speed. */
const RECOVERY = 15

/**
 * In a crowd the interval between two requests grows with the time that the crowd has lasted, and no further: that is
 * the same for all who came together, whatever their luck. In milliseconds, and as a part of that time.
 */
const MAX_PAUSE = { least: 2_000, part: 1 / 30, most: 120_000 } as const

/** What was learned of a crowd is forgotten when nothing was sent for this long. */
const RESET_AFTER = 600_000

/** In silence: often enough that a dozen certificates which no gateway lets through do not pass for a service that is down. */
const MAX_PROBE_INTERVAL = 8_000

export const createLimiter = (max: number): RateLimiterState => ({
  max,
  rate: max,
  stride: 1,
  counted: [],
  quickest: Infinity,
  leftAt: -Infinity,
  restsUntil: -Infinity,
  cutAt: -Infinity,
  crowdedSince: undefined,
  silences: 0,
  silentAt: -Infinity,
  proven: false,
})

const places = (pace: RateLimiterState) => (pace.proven ? Math.max(1, Math.floor(pace.rate)) : 1)

function freeAt({ sent, arrived }: RateLimiterState['counted'][number], quickest: number): number {
  const usual = quickest === Infinity ? 0 : quickest
  const heldUp = arrived === undefined ? TRANSIT : arrived - sent - usual
  return sent + Math.min(heldUp, TRANSIT) + WINDOW + GUARD
}

const inFlight = (pace: RateLimiterState) =>
  pace.counted.filter(({ arrived }) => arrived === undefined).length

/** Exact at full speed. Below it thrown anew with every answer: those who share a limit must not keep meeting. */
const interval = ({ max, rate, stride }: RateLimiterState) =>
  Math.max(1_000 / max, rate < max ? (1_000 * stride) / rate : 0)

/** Milliseconds until a request may leave: 0 now, Infinity when only a reply can make room. */
export function delayUntilNext(pace: RateLimiterState, now: number): number {
  return !pace.proven && inFlight(pace) > 0 ? Infinity : Math.max(0, readyAt(pace) - now)
}

/** When the last of all that a request has to wait for is over, or was. */
function readyAt(pace: RateLimiterState): number {
  const free = pace.counted.map(one => freeAt(one, pace.quickest)).sort((a, b) => b - a)
  return Math.max(free[places(pace) - 1] ?? -Infinity, pace.leftAt + interval(pace), pace.restsUntil)
}

/** A request leaves now that somebody has wanted to send since `wanted`. */
export const onSent = (pace: RateLimiterState, now: number, wanted = now): RateLimiterState => ({
  ...pace,
  ...(now - pace.leftAt > RESET_AFTER && { rate: pace.max, crowdedSince: undefined }),
  counted: [
    ...pace.counted.filter(one => one.arrived === undefined || freeAt(one, pace.quickest) > now),
    { sent: now, arrived: undefined },
  ],
  leftAt: Math.max(now - SLACK, Math.min(now, Math.max(wanted, readyAt(pace)))),
})

/** The request sent at `sentAt` came back, well or not. */
export function onReply(
  pace: RateLimiterState,
  sentAt: number,
  now: number,
  reply: {
    readonly throttled: boolean
    readonly proves: boolean
    /** Nobody answered, or not the service. */
    readonly silent?: boolean
  },
  dice: number,
): RateLimiterState {
  let settled = false
  const counted = pace.counted.map(one => {
    if (settled || one.sent !== sentAt || one.arrived !== undefined) return one
    settled = true
    return { ...one, arrived: now }
  })
  if (reply.silent) return onNoAnswer({ ...pace, counted }, sentAt, now, dice)
  const quickest = pace.proven ? Math.min(pace.quickest, now - sentAt) : pace.quickest
  const next = { ...pace, counted, quickest, proven: pace.proven || reply.proves, silences: 0 }
  if (reply.throttled) return decrease(next, sentAt, now, dice)
  return reply.proves ? increase(next, dice) : next
}

/** By the root of the rate: a slow one grows faster for its size, so that those who share a limit come to share it evenly. */
function increase(pace: RateLimiterState, dice: number): RateLimiterState {
  const rate = Math.min(pace.max, pace.rate + (2 * Math.sqrt(pace.rate * pace.max)) / RECOVERY)
  const crowdedSince = rate < pace.max ? pace.crowdedSince : undefined
  return { ...pace, rate, crowdedSince, stride: 0.5 + dice }
}

function decrease(pace: RateLimiterState, sentAt: number, now: number, dice: number): RateLimiterState {
  // requests that were out together are throttled together: that is one message, not ten
  if (sentAt <= pace.cutAt) return pace
  const crowdedSince = pace.crowdedSince ?? now
  const { least, part, most } = MAX_PAUSE
  const longest = Math.min(most, Math.max(least, (now - crowdedSince) * part))
  const rate = Math.min(pace.rate, Math.max(pace.rate * CUT, 1_000 / longest))
  // the window that was full is over within a second; half of one is enough, for what comes too early costs the limit nothing
  const restsUntil = Math.max(pace.restsUntil, now + (WINDOW * dice) / 2)
  return { ...pace, rate, crowdedSince, stride: 0.5 + dice, cutAt: now, restsUntil }
}

/**
 * A service that answers nobody is asked by one at a time, ever more rarely; else a thousand certificates would ask it a
 * thousand times what one would. The first silence may be the accident of one connection and slows nobody.
 */
function onNoAnswer(pace: RateLimiterState, sentAt: number, now: number, dice: number): RateLimiterState {
  // as with throttles: requests that were out together are lost together
  if (sentAt < pace.silentAt) return pace
  const silences = pace.silences + 1
  const pause = silences < 2 ? 0 : Math.min(MAX_PROBE_INTERVAL, pauseAfter(silences - 1, dice))
  return { ...pace, silences, silentAt: now, restsUntil: Math.max(pace.restsUntil, now + pause) }
}
