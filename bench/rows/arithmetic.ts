/** What share of a limit the pace uses, reckoned on a clock that jumps: at ten a second a run would take 100 seconds. */
import { createLimiter, delayUntilNext, onReply, onSent } from '../../src/upload/rateLimiter.ts'

export interface Traffic {
  readonly rate: number
  readonly requests: number
  /** Milliseconds; half of them until a request arrives. */
  readonly roundTrip: number
}

const ANSWERED = { throttled: false, proves: true } as const

/** All are wanted at once and answered as soon as they arrive: the share from the first arrival to the last. */
export function sustained({ rate, requests, roundTrip }: Traffic): number {
  let pace = createLimiter(rate)
  let now = 0
  let last = 0
  const flying: number[] = []
  const land = () => {
    for (let at = flying[0]; at !== undefined && at + roundTrip <= now; at = flying[0]) {
      pace = onReply(pace, at, at + roundTrip, ANSWERED, 0)
      flying.shift()
    }
  }
  for (let i = 0; i < requests; i++) {
    for (land(); delayUntilNext(pace, now) > 0; land())
      now = Math.min(now + delayUntilNext(pace, now), (flying[0] ?? Infinity) + roundTrip)
    pace = onSent(pace, now)
    flying.push(now)
    last = now
  }
  return (requests - 1) / rate / (last / 1_000)
}
