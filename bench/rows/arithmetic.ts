/** What share of a limit the pace uses, reckoned on a clock that jumps: at ten a second a run would take 100 seconds. */
import { createLimiter, delayUntilNext, onReply, onSent } from '../../src/upload/rateLimiter.ts'

export interface Traffic {
  readonly rate: number
  readonly requests: number
  /** Milliseconds, of each request anew; half of them until it arrives. */
  readonly roundTrip: () => number
}

const ANSWERED = { throttled: false, proves: true } as const

/** All are wanted at once and answered as soon as they arrive: when they do, in milliseconds. */
export function arrivalsOf({ rate, requests, roundTrip }: Traffic): readonly number[] {
  let pace = createLimiter(rate)
  let now = 0
  const arrivals: number[] = []
  let flying: { readonly sent: number; readonly end: number }[] = []
  const land = () => {
    for (const { sent, end } of flying.filter(one => one.end <= now).sort((a, b) => a.end - b.end))
      pace = onReply(pace, sent, end, ANSWERED, 0)
    flying = flying.filter(one => one.end > now)
  }
  for (let i = 0; i < requests; i++) {
    for (land(); delayUntilNext(pace, now) > 0; land())
      now = Math.min(now + delayUntilNext(pace, now), ...flying.map(({ end }) => end))
    pace = onSent(pace, now)
    const took = roundTrip()
    flying.push({ sent: now, end: now + took })
    arrivals.push(now + took / 2)
  }
  return arrivals.sort((a, b) => a - b)
}

/** The share of the limit, from the first arrival to the last. */
export function sustained(traffic: Traffic): number {
  const arrivals = arrivalsOf(traffic)
  const [first = 0, last = 0] = [arrivals[0], arrivals.at(-1)]
  return (traffic.requests - 1) / traffic.rate / ((last - first) / 1_000)
}

/** How many a service turns away that allows so many in any second, wherever it begins. */
export const throttled = (traffic: Traffic): number => {
  const arrivals = arrivalsOf(traffic)
  return arrivals.filter((at, i) => at - (arrivals[i - traffic.rate] ?? -Infinity) < 1_000).length
}
