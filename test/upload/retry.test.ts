import { describe, expect, test } from 'vitest'
import { Fault, type FaultCode } from '../../src/errors.ts'
import { type RetryOptions, retry } from '../../src/upload/retry.ts'
import { virtualClock } from '../fixtures/virtualClock.ts'

function stage(wishes: Partial<RetryOptions> = {}) {
  const clock = virtualClock()
  const retries: { code: FaultCode; attempt: number; ms: number }[] = []
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
          onRetry: ({ code }, attempt, ms) => retries.push({ code, attempt, ms }),
          ...wishes,
        },
      ).catch((error: unknown) => error),
    )
  return { clock, run, retries, waits, attempts: () => attempts }
}

const network = new Fault('NETWORK', 'no answer')

describe('a fault that may pass', () => {
  test('is repeated until it has passed, and the attempts are counted', async () => {
    const { run, retries } = stage()
    expect(await run(n => (n < 3 ? network : 'an ID'))).toEqual({ value: 'an ID', attempts: 3 })
    expect(retries.map(({ code, attempt }) => `${code} ${attempt}`)).toEqual(['NETWORK 1', 'NETWORK 2'])
  })

  test('is given up after eight attempts with the last fault', async () => {
    const { run, attempts } = stage()
    const faults = Array.from({ length: 9 }, (_, i) => new Fault('TIMEOUT', `number ${i}`))
    expect(await run(n => faults[n])).toBe(faults[8])
    expect(attempts()).toBe(8)
  })

  test('that is the same unreadable reply three times gets advice about proxies', async () => {
    const odd = new Fault('REPLY_UNREADABLE', 'the answer was empty')
    expect(await stage().run(n => (n < 6 ? network : odd))).toMatchObject({
      code: 'REPLY_UNREADABLE',
      message: '3 times the same: the answer was empty',
      advice: expect.stringContaining('may have been carried out'),
    })
    expect(await stage().run(n => (n < 7 ? network : odd))).toBe(odd)
    const gateway = new Fault('REPLY_UNREADABLE', 'HTTP 502', { advice: 'It is failing.' })
    expect(await stage().run(() => gateway)).toBe(gateway)
  })

  test.each([0, 0.5, 1 - Number.EPSILON])(
    'is repeated after doubling delays of which half is random (%d): a minute and a half at most',
    async random => {
      const { run, waits } = stage({ random: () => random })
      await run(() => network)
      const full = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000]
      expect(waits.map(Math.round)).toEqual(full.map(ms => (ms / 2) * (1 + random)).map(Math.round))
      expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(92_000)
    },
  )

  test('uses up no attempt if it is a throttle, and is not delayed here', async () => {
    const { run, waits } = stage()
    const throttled = new Fault('API_THROTTLED', 'too fast')
    expect(await run(n => (n <= 100 ? throttled : 'an ID'))).toEqual({ value: 'an ID', attempts: 101 })
    expect(new Set(waits)).toEqual(new Set([0]))
  })

  test('has as many attempts with throttles in between', async () => {
    const { run, attempts } = stage()
    const throttled = new Fault('API_THROTTLED', 'too fast')
    expect(await run(n => (n % 2 ? throttled : network))).toBe(network)
    expect(attempts()).toBe(16)
  })

  test('has three attempts if it may be permanent', async () => {
    const { run, attempts } = stage()
    await run(() => new Fault('API_UNKNOWN_ERROR', 'FailedOperation', { apiCode: 'FailedOperation' }))
    expect(attempts()).toBe(3)
  })
})

describe('a fault that does not pass', () => {
  test.each(['API_REJECTED', 'API_FORBIDDEN', 'KEY_MISMATCH'] as const)('is not repeated: %s', async code => {
    const { run, attempts } = stage()
    expect(await run(() => new Fault(code, 'no'))).toMatchObject({ code })
    expect(attempts()).toBe(1)
  })

  test('is not repeated: a bug', async () => {
    const { run, attempts } = stage()
    const bug = new TypeError('a bug')
    expect(await run(() => bug)).toBe(bug)
    expect(attempts()).toBe(1)
  })

  test('is not replaced by the deadline: a bug', async () => {
    const { run } = stage({ signal: AbortSignal.abort() })
    const bug = new TypeError('a bug')
    expect(await run(() => bug)).toBe(bug)
  })
})

describe('a fault whose cause can be repaired', () => {
  const stale = new Fault('API_CLOCK', 'expired', { apiCode: 'AuthFailure.SignatureExpire' })

  test('is repeated at once after the repair', async () => {
    const { run, waits } = stage()
    expect(await run(n => (n === 1 ? stale : 'an ID'))).toEqual({ value: 'an ID', attempts: 2 })
    expect(waits).toEqual([0])
  })

  test('is given up if the repair fails', async () => {
    const { run, attempts } = stage({ repaired: async () => false })
    expect(await run(() => stale)).toBe(stale)
    expect(attempts()).toBe(1)
  })

  test('has eight attempts', async () => {
    const { run, attempts } = stage()
    expect(await run(() => stale)).toBe(stale)
    expect(attempts()).toBe(8)
  })
})

describe('a deadline', () => {
  test('during a delay ends it with the last fault', async () => {
    const deadline = new AbortController()
    const { run, attempts, clock } = stage({
      signal: deadline.signal,
      onRetry: () => queueMicrotask(() => deadline.abort()),
    })
    expect(await run(() => network)).toBe(network)
    expect(attempts()).toBe(1)
    expect(clock.now()).toBe(0)
  })

  test('during a request ends it with the fault before it', async () => {
    const { run, attempts } = stage()
    expect(await run(n => (n === 1 ? network : new Fault('DEADLINE', 'no answer before the deadline')))).toBe(
      network,
    )
    expect(attempts()).toBe(2)
  })

  test('over when the attempt fails ends it without another attempt', async () => {
    const halt = new Fault('NETWORK', 'nothing has been answered for long')
    for (const [reason, expected] of [
      [undefined, network],
      [halt, halt],
    ]) {
      const over = new AbortController()
      const staged = stage({ signal: over.signal })
      const ended = await staged.run(() => {
        over.abort(reason)
        return network
      })
      expect(ended).toBe(expected)
      expect(staged.retries).toEqual([])
    }
  })

  test('during the first attempt is the fault', async () => {
    const { run, attempts, retries } = stage()
    expect(await run(() => new Fault('DEADLINE', 'no time was left'))).toMatchObject({ code: 'DEADLINE' })
    expect(attempts()).toBe(1)
    expect(retries).toEqual([])
  })
})
