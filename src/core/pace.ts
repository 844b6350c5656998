/**
 * How fast requests may leave. Pure: times are arguments, in milliseconds of any clock that never steps.
 *
 * The service counts arrivals in one-second windows. When a request arrives lies between its sending and its reply, so
 * a place is given back one window after the reply, or after TRANSIT where the reply takes longer: as long as a request
 * is under way for less than that, no window of the service's, wherever it begins, sees more than `max` of ours.
 */
import { pauseAfter } from './backoff.ts'

export interface Pace {
  /** Requests a second that the operator allows. */
  readonly max: number
  /** Requests a second right now: halved by a throttle, grown back by successes. */
  readonly rate: number
  /** When each counted request was sent, and when it was known to have arrived (undefined: still under way). */
  readonly counted: ReadonlyArray<{ readonly sent: number; readonly arrived: number | undefined }>
  readonly nextAt: number
  readonly cutAt: number
  /** Requests in a row that were not answered, and when the last of them came back in vain. */
  readonly silences: number
  readonly silentAt: number
  /** Before the first reply only one request is out: clock and credentials are proven by one, not by ten. */
  readonly proven: boolean
}

const WINDOW = 1_000
/** Timers may fire a little early and clocks drift apart a little. */
const GUARD = 5
/** The longest a request is believed to be under way; a longer wait for the reply is the service's own work. */
const TRANSIT = 250
/** A fleet that shares one limit must be able to go this much below its share. */
const SLOWEST = 1 / 100
/** Successes from standstill back to full speed. */
const RECOVERY = 40
/** In silence: often enough that a dozen certificates which no gateway lets through do not pass for a service that is down. */
const RAREST = 8_000

export const paceOf = (max: number): Pace => ({
  max,
  rate: max,
  counted: [],
  nextAt: -Infinity,
  cutAt: -Infinity,
  silences: 0,
  silentAt: -Infinity,
  proven: false,
})

const places = (pace: Pace) => (pace.proven ? Math.max(1, Math.floor(pace.rate)) : 1)
const freeAt = ({ sent, arrived }: Pace['counted'][number]) =>
  Math.min(arrived ?? Infinity, sent + TRANSIT) + WINDOW + GUARD
const inFlight = (pace: Pace) => pace.counted.filter(({ arrived }) => arrived === undefined).length

/** Milliseconds until a request may leave: 0 now, Infinity when only a reply can make room. */
export function waitOf(pace: Pace, now: number): number {
  if (!pace.proven && inFlight(pace) > 0) return Infinity
  const busy = pace.counted.map(freeAt).filter(at => at > now)
  const room =
    busy.length < places(pace) ? now : (busy.sort((a, b) => a - b)[busy.length - places(pace)] ?? now)
  return Math.max(0, room - now, pace.nextAt - now)
}

/** A request leaves now. */
export const sent = (pace: Pace, now: number): Pace => ({
  ...pace,
  counted: [
    ...pace.counted.filter(one => one.arrived === undefined || freeAt(one) > now),
    { sent: now, arrived: undefined },
  ],
  nextAt: now + 1_000 / pace.rate,
})

/** The request sent at `sentAt` came back, well or not. */
export function returned(
  pace: Pace,
  sentAt: number,
  now: number,
  reply: {
    readonly throttled: boolean
    readonly proves: boolean
    /** Nobody answered, or not the service. */
    readonly silent?: boolean
  },
  dice: number,
): Pace {
  let settled = false
  const counted = pace.counted.map(one => {
    if (settled || one.sent !== sentAt || one.arrived !== undefined) return one
    settled = true
    return { ...one, arrived: now }
  })
  if (reply.silent) return silenced({ ...pace, counted }, sentAt, now, dice)
  const next = { ...pace, counted, proven: pace.proven || reply.proves, silences: 0 }
  if (!reply.throttled)
    return reply.proves ? { ...next, rate: Math.min(pace.max, pace.rate + pace.max / RECOVERY) } : next
  // requests that were out together are throttled together: that is one message, not ten
  if (sentAt <= pace.cutAt) return next
  const rate = Math.max(pace.max * SLOWEST, pace.rate / 2)
  // never sooner than the last request left room for: at a slow pace that is further off than a second
  return { ...next, rate, cutAt: now, nextAt: Math.max(pace.nextAt, now + WINDOW * (1 + dice)) }
}

/**
 * A service that answers nobody is asked by one at a time, ever more rarely; else a thousand certificates would ask it a
 * thousand times what one would. The first silence may be the accident of one connection and slows nobody.
 */
function silenced(pace: Pace, sentAt: number, now: number, dice: number): Pace {
  // as with throttles: requests that were out together are lost together
  if (sentAt < pace.silentAt) return pace
  const silences = pace.silences + 1
  const pause = silences < 2 ? 0 : Math.min(RAREST, pauseAfter(silences - 1, dice))
  return { ...pace, silences, silentAt: now, nextAt: Math.max(pace.nextAt, now + pause) }
}
