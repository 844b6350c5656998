import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault, type FaultCode } from '../../src/errors.ts'
import { delayAfter, MAX_ATTEMPTS, type RetryOptions, retry } from '../../src/upload/retry.ts'
import { virtualClock } from '../fixtures/virtualClock.ts'

function stage(wishes: Partial<RetryOptions> = {}) {
  const clock = virtualClock()
  const told: { code: FaultCode; attempt: number; ms: number }[] = []
  const waits: number[] = []
  let attempts = 0
  const run = (outcome: (attempt: number) => unknown) =>
    clock.until(
      retry(
        async () => {
          attempts += 1
          const result = outcome(attempts)
          if (result instanceof Error) throw result
          return result
        },
        {
          random: () => 0,
          wait: (ms, signal) => {
            waits.push(ms)
            return clock.wait(ms, signal)
          },
          repaired: async () => true,
          onRetry: ({ code }, attempt, ms) => told.push({ code, attempt, ms }),
          ...wishes,
        },
      ).catch((error: unknown) => error),
    )
  return { clock, run, told, waits, attempts: () => attempts }
}

const network = new Fault('NETWORK', 'no answer')

describe('what may be temporary', () => {
  test('is tried again until it has passed, and the attempts are counted', async () => {
    const { run, told } = stage()
    expect(await run(n => (n < 3 ? network : 'an ID'))).toEqual({ value: 'an ID', attempts: 3 })
    expect(told.map(({ code, attempt }) => `${code} ${attempt}`)).toEqual(['NETWORK 1', 'NETWORK 2'])
  })

  test('is given up after eight attempts, with the last real failure', async () => {
    const { run, attempts } = stage()
    const faults = Array.from({ length: 9 }, (_, i) => new Fault('TIMEOUT', `number ${i}`))
    expect(await run(n => faults[n])).toBe(faults[8])
    expect(attempts()).toBe(8)
  })

  test('is reported as what it is, where the same unreadable answer came at least three times at last', async () => {
    const odd = new Fault('REPLY_UNREADABLE', 'the answer was empty')
    expect(await stage().run(n => (n < 6 ? network : odd))).toMatchObject({
      code: 'REPLY_UNREADABLE',
      message: '3 times the same: the answer was empty',
      advice: expect.stringContaining('may have been carried out'),
    })
    expect(await stage().run(n => (n < 7 ? network : odd))).toBe(odd)
    const unwell = new Fault('REPLY_UNREADABLE', 'HTTP 502', { advice: 'It is unwell.' })
    expect(await stage().run(() => unwell)).toBe(unwell)
  })

  test.each([
    ['half of each pause is certain', 0, 0.5],
    ['and half is thrown', 1 - Number.EPSILON, 1],
  ])('%s', async (_, random, share) => {
    const { run, waits } = stage({ random: () => random })
    await run(() => network)
    const full = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000]
    expect(waits.map(Math.round)).toEqual(full.map(ms => ms * share))
  })

  test('a throttle uses up no attempt, and waits for nothing but its turn', async () => {
    const { run, waits } = stage()
    const throttled = new Fault('API_THROTTLED', 'too fast')
    expect(await run(n => (n <= 100 ? throttled : 'an ID'))).toEqual({ value: 'an ID', attempts: 101 })
    expect(new Set(waits)).toEqual(new Set([0]))
  })

  test('throttles between failures make these no fewer', async () => {
    const { run, attempts } = stage()
    const throttled = new Fault('API_THROTTLED', 'too fast')
    expect(await run(n => (n % 2 ? throttled : network))).toBe(network)
    expect(attempts()).toBe(16)
  })

  test('a fault that may or may not be temporary is tried three times', async () => {
    const { run, attempts } = stage()
    await run(() => new Fault('API_UNKNOWN_ERROR', 'FailedOperation', { apiCode: 'FailedOperation' }))
    expect(attempts()).toBe(3)
  })
})

describe('what is permanent', () => {
  test.each(['API_REJECTED', 'API_FORBIDDEN', 'KEY_MISMATCH'] as const)(
    '%s is not tried again',
    async code => {
      const { run, attempts } = stage()
      expect(await run(() => new Fault(code, 'no'))).toMatchObject({ code })
      expect(attempts()).toBe(1)
    },
  )

  test('a bug is not tried again and comes out as it is', async () => {
    const { run, attempts } = stage()
    const bug = new TypeError('a bug')
    expect(await run(() => bug)).toBe(bug)
    expect(attempts()).toBe(1)
  })

  test('a bug is not hidden behind the deadline', async () => {
    const { run } = stage({ signal: AbortSignal.abort() })
    const bug = new TypeError('a bug')
    expect(await run(() => bug)).toBe(bug)
  })
})

describe('what can be repaired', () => {
  const stale = new Fault('API_CLOCK', 'expired', { apiCode: 'AuthFailure.SignatureExpire' })

  test('is sent again at once when it has been', async () => {
    const { run, waits } = stage()
    expect(await run(n => (n === 1 ? stale : 'an ID'))).toEqual({ value: 'an ID', attempts: 2 })
    expect(waits).toEqual([0])
  })

  test('is given up when it could not be', async () => {
    const { run, attempts } = stage({ repaired: async () => false })
    expect(await run(() => stale)).toBe(stale)
    expect(attempts()).toBe(1)
  })

  test('is not repaired for ever', async () => {
    const { run, attempts } = stage()
    expect(await run(() => stale)).toBe(stale)
    expect(attempts()).toBe(8)
  })
})

describe('a deadline', () => {
  test('cuts a pause short, and the last real failure is what is reported', async () => {
    const deadline = new AbortController()
    const { run, attempts, clock } = stage({
      signal: deadline.signal,
      onRetry: () => queueMicrotask(() => deadline.abort()),
    })
    expect(await run(() => network)).toBe(network)
    expect(attempts()).toBe(1)
    expect(clock.now()).toBe(0)
  })

  test('met while a request is under way reports what failed before', async () => {
    const { run, attempts } = stage()
    expect(await run(n => (n === 1 ? network : new Fault('DEADLINE', 'no answer before the deadline')))).toBe(
      network,
    )
    expect(attempts()).toBe(2)
  })

  test('that is over when the attempt fails ends it, and no other attempt is announced', async () => {
    const halt = new Fault('NETWORK', 'nothing has been answered for long')
    for (const [reason, told] of [
      [undefined, network],
      [halt, halt],
    ]) {
      const over = new AbortController()
      const stood = stage({ signal: over.signal })
      const ended = await stood.run(() => {
        over.abort(reason)
        return network
      })
      expect(ended).toBe(told)
      expect(stood.told).toEqual([])
    }
  })

  test('met at the first attempt is itself what is reported, and no other attempt is announced', async () => {
    const { run, attempts, told } = stage()
    expect(await run(() => new Fault('DEADLINE', 'no time was left'))).toMatchObject({ code: 'DEADLINE' })
    expect(attempts()).toBe(1)
    expect(told).toEqual([])
  })
})

const unwell = new Fault('API_UNAVAILABLE', 'x')
const throttled = new Fault('API_THROTTLED', 'x')
const range = (made: number, fault: Fault) => [delayAfter(made, fault, 0), delayAfter(made, fault, 1)]

describe('half of a pause is certain, half is thrown', () => {
  test.each([
    [1, 250, 500],
    [2, 500, 1_000],
    [3, 1_000, 2_000],
    [6, 8_000, 16_000],
    [7, 15_000, 30_000],
  ])('after %i attempts %i to %i ms', (made, least, most) => {
    expect(range(made, unwell)).toEqual([least, most])
  })

  test('whatever the dice, never less than half and never more than half a minute', () => {
    const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_ATTEMPTS - 1 }), dice, (made, roll) => {
        const [least = 0, most = 0] = range(made, unwell)
        const ms = delayAfter(made, unwell, roll) ?? 0
        expect(ms).toBeGreaterThanOrEqual(least)
        expect(ms).toBeLessThanOrEqual(Math.min(most, 30_000))
        expect(most).toBe(2 * least)
      }),
    )
  })
})

describe('a throttle', () => {
  test('is not waited for here: the pace says when there is room', () => {
    expect(range(1, throttled)).toEqual([0, 0])
    expect(range(MAX_ATTEMPTS - 1, throttled)).toEqual([0, 0])
  })

  test('that is the last of a whole row ends it', () => {
    expect(delayAfter(0, new Fault('API_THROTTLED', 'x', { tries: 0 }), 0)).toBeUndefined()
  })
})

describe('it ends', () => {
  test('after eight attempts', () => {
    expect(delayAfter(MAX_ATTEMPTS - 1, unwell, 0)).toBeDefined()
    expect(delayAfter(MAX_ATTEMPTS, unwell, 0)).toBeUndefined()
    expect(delayAfter(MAX_ATTEMPTS + 1, unwell, 0)).toBeUndefined()
  })

  test('after three where the answer may or may not be temporary', () => {
    const unclear = new Fault('API_UNKNOWN_ERROR', 'x')
    expect(delayAfter(2, unclear, 0)).toBe(500)
    expect(delayAfter(3, unclear, 0)).toBeUndefined()
  })

  test('at once where waiting fixes nothing', () => {
    for (const code of [
      'API_REJECTED',
      'API_CLOCK',
      'API_CREDENTIALS',
      'KEY_MISMATCH',
      'INTERNAL_ERROR',
    ] as const)
      expect(delayAfter(1, new Fault(code, 'x'), 0)).toBeUndefined()
  })

  test('all pauses together are a minute and a half at most', () => {
    const pauses = Array.from({ length: MAX_ATTEMPTS }, (_, i) => delayAfter(i + 1, unwell, 1) ?? 0)
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(92_000)
  })
})
