/** How many requests a second may pass. Holds the arrivals of the last second and nothing else. */
import { ApiError } from './refusal.ts'

const SECOND = 1000

export interface Limit {
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
