/** Over generated traffic the service never counts more requests than the operator allowed. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  createLimiter,
  delayUntilNext,
  onReply,
  onSent,
  type ReplyKind,
} from '../../src/upload/rateLimiter.ts'

/** The longest delay of a request on its way; what the reply takes beyond that is the service's work. */
const MAX_TRANSIT = 250

/** The least that requests and replies take. */
interface Latency {
  readonly request: number
  readonly reply: number
}

interface Request extends ReplyKind {
  /** Milliseconds after the request before it. */
  readonly wantedAfter: number
  /** Beyond the least latency. */
  readonly delay: number
  /** The part of min(delay, MAX_TRANSIT) before it arrives: 0 to 1. */
  readonly arrives: number
  readonly random: number
}

/** Requests in order, many under way, as requestQueue.ts sends them, on a clock that jumps from event to event. */
function run(max: number, latency: Latency, requests: readonly Request[]) {
  let limiter = createLimiter(max)
  let [now, wanted, steps] = [0, 0, 0]
  let underWay: { readonly at: number; readonly end: number; readonly request: Request }[] = []
  const sent: number[] = []
  const arrivals: number[] = []
  const settle = () => {
    const ended = underWay.filter(({ end }) => end <= now).sort((a, b) => a.end - b.end)
    underWay = underWay.filter(({ end }) => end > now)
    for (const { at, end, request } of ended) limiter = onReply(limiter, at, end, request, request.random)
  }
  for (const request of requests) {
    wanted += request.wantedAfter
    for (;;) {
      settle()
      const wait = now < wanted ? wanted - now : delayUntilNext(limiter, now)
      if (wait === 0) break
      now = Math.min(now + wait, ...underWay.map(({ end }) => end))
      steps++
    }
    limiter = onSent(limiter, now)
    underWay.push({ at: now, end: now + latency.request + latency.reply + request.delay, request })
    sent.push(now)
    arrivals.push(now + latency.request + request.arrives * Math.min(request.delay, MAX_TRANSIT))
  }
  return { sent, arrivals: arrivals.sort((a, b) => a - b), steps }
}

/** The most arrivals in a second, wherever it begins. */
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
      random: share,
    }),
    { minLength: 1, maxLength: 80, size: 'max' },
  )

const rate = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0.1, max: 25, noNaN: true }))
const latency = fc.record<Latency>({ request: fc.nat(400), reply: fc.nat(400) })
const UNDELAYED = { delay: 0, throttled: false, proves: true, silent: false }

test.each([
  ['without failures', true],
  ['with throttles and lost replies', false],
])('rate limiter: no second of arrivals holds more than the rate, %s', (_, calm) => {
  fc.assert(
    fc.property(rate, latency, traffic(calm), fc.nat(27), (max, least, requests, nth) => {
      // the first opens the connection; one of the thirty after it shows the least latency
      const shown = requests.map((one, i) => (i === 0 || i === nth + 1 ? { ...one, ...UNDELAYED } : one))
      const { arrivals, sent, steps } = run(max, least, shown)
      expect(densest(arrivals)).toBeLessThanOrEqual(Math.max(1, Math.floor(max)))
      // every request was sent, without a busy loop
      expect(arrivals).toHaveLength(requests.length)
      expect(steps).toBeLessThan(requests.length * 8)
      for (const [i, at] of sent.entries())
        if (i > 0) expect(at - (sent[i - 1] ?? 0)).toBeGreaterThanOrEqual(1_000 / max - 0.001)
    }),
    { numRuns: 250 },
  )
})

test('the check of the rate limiter finds a sixth arrival in a second', () => {
  const request = { ...UNDELAYED, wantedAfter: 0, random: 0, arrives: 1 }
  const late = [0, 0, 200, ...Array<number>(20).fill(0)].map(delay => ({ ...request, delay }))
  expect(densest(run(5, { request: 90, reply: 10 }, late).arrivals)).toBeLessThanOrEqual(5)
  expect(densest([0, 100, 200, 300, 400, 999])).toBe(6)
  expect(densest([0, 100, 200, 300, 400, 1_000])).toBe(5)
})
