/** The promise the pace exists for, over generated traffic: the service never counts more than the operator allowed. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createLimiter,
  delayUntilNext,
  onReply,
  onSent,
  type RateLimiterState,
} from '../../src/upload/rateLimiter.ts'

/** The longest a request is held up on its way; what the reply takes beyond that is the service's work. */
const TRANSIT = 250

/** What every request and its reply take at the quickest, together, and which part of it the request takes. */
interface Way {
  readonly there: number
  readonly back: number
}

interface Request {
  /** After the one before it, when somebody wants it sent. */
  readonly wantedAfter: number
  /** Beyond the quickest. */
  readonly delay: number
  /** How much of min(delay, TRANSIT) it meets before it arrives: 0 to 1. */
  readonly arrives: number
  readonly throttled: boolean
  readonly proves: boolean
  readonly silent?: boolean
  readonly dice: number
}

interface Run {
  readonly sendings: readonly number[]
  readonly arrivals: readonly number[]
  readonly steps: number
}

/** One lane in front of many in flight, as edge/lanes.ts has it, on a clock that jumps from event to event. */
function run(max: number, { there, back }: Way, requests: readonly Request[]): Run {
  let pace: RateLimiterState = createLimiter(max)
  let now = 0
  let wanted = 0
  let steps = 0
  let flying: { readonly at: number; readonly back: number; readonly request: Request }[] = []
  const sendings: number[] = []
  const arrivals: number[] = []
  const land = () => {
    const landed = flying.filter(({ back }) => back <= now).sort((a, b) => a.back - b.back)
    flying = flying.filter(({ back }) => back > now)
    for (const { at, back, request } of landed) pace = onReply(pace, at, back, request, request.dice)
  }
  for (const request of requests) {
    wanted += request.wantedAfter
    for (;;) {
      land()
      const ready = Math.max(now, wanted)
      const wait = now < wanted ? wanted - now : delayUntilNext(pace, now)
      if (now === ready && wait === 0) break
      now = Math.min(now + wait, ...flying.map(({ back }) => back))
      steps++
    }
    pace = onSent(pace, now)
    flying.push({ at: now, back: now + there + back + request.delay, request })
    sendings.push(now)
    arrivals.push(now + there + request.arrives * Math.min(request.delay, TRANSIT))
  }
  return { sendings, arrivals: arrivals.sort((a, b) => a - b), steps }
}

/** The most that any window of a second holds, wherever it begins. */
const densest = (arrivals: readonly number[]) =>
  Math.max(0, ...arrivals.map((from, i) => arrivals.slice(i).filter(at => at < from + 1_000).length))

const share = fc.double({ min: 0, max: 1, noNaN: true })
const rarely = (of: number) => fc.nat(of).map(n => n === 0)

const traffic = (calm: boolean) =>
  fc.array(
    fc.record<Request>({
      wantedAfter: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.nat(3_000) },
      ),
      delay: fc.oneof(fc.nat(40), fc.nat(400), fc.nat(30_000)),
      arrives: fc.oneof(share, fc.constantFrom(0, 1)),
      throttled: calm ? fc.constant(false) : rarely(8),
      proves: calm ? fc.constant(true) : rarely(8).map(not => !not),
      silent: calm ? fc.constant(false) : rarely(3),
      dice: share,
    }),
    { minLength: 1, maxLength: 80, size: 'max' },
  )

const rate = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0.1, max: 25, noNaN: true }))

const way = fc.record<Way>({ there: fc.nat(400), back: fc.nat(400) })
const WELL = { delay: 0, throttled: false, proves: true, silent: false }

describe('no second of arrivals holds more than the rate', () => {
  test.each([
    ['in calm weather', true],
    ['between throttles and lost replies', false],
  ])('%s', (_, calm) => {
    fc.assert(
      fc.property(rate, way, traffic(calm), (max, way, requests) => {
        // the quickest way is known from the beginning: a request that is held up by nothing shows it
        const [first, second, ...rest] = requests
        const shown = [first, second].flatMap(one => (one ? [{ ...one, ...WELL }] : []))
        const { arrivals, sendings, steps } = run(max, way, [...shown, ...rest])
        expect(densest(arrivals)).toBeLessThanOrEqual(Math.max(1, Math.floor(max)))
        // nothing starves: all were sent, and nobody span on the spot to get there
        expect(arrivals).toHaveLength(requests.length)
        expect(steps).toBeLessThan(requests.length * 8)
        // and below one a second the pause is as long as the operator said
        for (const [i, at] of sendings.entries())
          if (i > 0) expect(at - (sendings[i - 1] ?? 0)).toBeGreaterThanOrEqual(1_000 / max - 0.001)
      }),
      { numRuns: 250 },
    )
  })

  test('the model finds a pace that gives a place back too early', () => {
    const request = { wantedAfter: 0, throttled: false, proves: true, dice: 0, arrives: 1 }
    const late = [0, 0, 200, ...Array<number>(20).fill(0)].map(delay => ({ ...request, delay }))
    expect(densest(run(5, { there: 90, back: 10 }, late).arrivals)).toBeLessThanOrEqual(5)
    expect(densest([0, 100, 200, 300, 400, 999])).toBe(6)
    expect(densest([0, 100, 200, 300, 400, 1_000])).toBe(5)
  })
})
