import { describe, expect, test } from 'vitest'
import { Fault, type FaultCode } from '../../src/errors.ts'
import { createRequestQueue } from '../../src/upload/requestQueue.ts'
import { virtualClock } from '../fixtures/virtualClock.ts'

const answered = (code: FaultCode, apiCode = 'Some.Code') => new Fault(code, code, { apiCode })

interface Options {
  readonly rate?: number
  readonly random?: () => number
  readonly repair?: (fault: Fault) => Promise<boolean>
}

function stage({ rate = 10, random = () => 0, repair = async () => true }: Options = {}) {
  const clock = virtualClock()
  const repaired: Fault[] = []
  const queue = createRequestQueue(rate, {
    ...clock,
    random,
    repair: fault => {
      repaired.push(fault)
      return repair(fault)
    },
  })
  const sentAt: number[] = []
  /** A request of so many milliseconds; it fails if `answer` throws. */
  const send = (answer: () => void = () => {}, ms = 20, signal?: AbortSignal) =>
    queue.run(
      'UploadCertificate',
      async () => {
        sentAt.push(clock.now())
        await clock.wait(ms)
        answer()
      },
      signal,
    )
  const fail = (fault: Fault) => () => {
    throw fault
  }
  const reason = (work: Promise<unknown>) =>
    clock.until(
      work.then(
        () => 'sent',
        (error: unknown) => error,
      ),
    )
  return { clock, queue, sentAt, send, fail, reason, repaired }
}

const many = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i))

describe('the request queue', () => {
  test('sends the first request alone: nine others wait for its reply', async () => {
    const { clock, sentAt, send } = stage()
    const work = Promise.all(many(10, () => send(() => {}, 5_000)))
    await clock.still()
    expect(sentAt).toEqual([0])
    await clock.until(work)
    expect(sentAt[1]).toBeGreaterThanOrEqual(5_000)
  })

  test('sends requests in the order in which they came', async () => {
    const { clock, queue } = stage()
    const order: number[] = []
    await clock.until(Promise.all(many(30, i => queue.run('UploadCertificate', async () => order.push(i)))))
    expect(order).toEqual(many(30, i => i))
  })

  test('does not send a later request before one that still waits', async () => {
    const { clock, queue, send } = stage()
    await clock.until(send())
    const order: string[] = []
    const early = queue.run('UploadCertificate', async () => order.push('early'))
    await clock.still()
    clock.advance(10_000)
    const late = queue.run('UploadCertificate', async () => order.push('late'))
    await clock.until(Promise.all([early, late]))
    expect(order).toEqual(['early', 'late'])
  })

  test.each([1, 3, 10])('sends at most %i requests in any second', async rate => {
    const { clock, sentAt, send } = stage({ rate })
    await clock.until(Promise.all(many(40, () => send())))
    for (const start of sentAt) {
      expect(sentAt.filter(at => at >= start && at < start + 1_000).length).toBeLessThanOrEqual(rate)
    }
  })

  test('slows down after a throttle and speeds up after successes', async () => {
    const { clock, sentAt, send, fail, reason } = stage({ random: () => 0.5 })
    await clock.until(Promise.all(many(10, () => send())))
    expect(await reason(send(fail(answered('API_THROTTLED'))))).toMatchObject({ code: 'API_THROTTLED' })
    const throttledAt = clock.now()
    sentAt.length = 0
    await clock.until(Promise.all(many(60, () => send())))
    const gaps = sentAt.slice(1).map((at, i) => at - (sentAt[i] ?? 0))
    expect((sentAt[0] ?? 0) - throttledAt).toBeGreaterThanOrEqual(250)
    expect(gaps[0]).toBeGreaterThan(110)
    expect(gaps.at(-1)).toBeLessThan(110)
  })
})

test('request queue: each action has a rate limit of its own', async () => {
  const { clock, queue } = stage({ rate: 1 })
  const sent: string[] = []
  const send = (action: string) =>
    queue.run(action, async () => void sent.push(`${action} ${Math.floor(clock.now() / 1_000)}`))
  await clock.until(Promise.all(['A', 'B', 'A', 'B'].map(send)))
  expect(sent.toSorted()).toEqual(['A 0', 'A 1', 'B 0', 'B 1'])
})

describe('an hour of throttles', () => {
  const HOUR = 3_600_000
  const throttle = () => new Fault('API_THROTTLED', 'too fast', { apiCode: 'RequestLimitExceeded' })

  test('ends all waiting requests with one fault that is not retried', async () => {
    const { clock, sentAt, queue } = stage({ random: () => 0.5 })
    const sendUntilGivenUp = async () => {
      for (;;) {
        const fault = await queue
          .run('UploadCertificate', async (): Promise<Fault> => {
            sentAt.push(clock.now())
            throw throttle()
          })
          .catch((error: Fault) => error)
        if (fault.tries === 0) return fault
      }
    }
    const faults = await clock.until(Promise.all(many(20, sendUntilGivenUp)))
    expect(new Set(faults).size).toBe(1)
    expect(faults[0]).toMatchObject({
      code: 'API_THROTTLED',
      apiCode: 'RequestLimitExceeded',
      exit: 75,
      message: 'in 60 minutes nothing got through: too fast',
    })
    expect(clock.now()).toBeGreaterThan(HOUR)
    expect(clock.now()).toBeLessThan(HOUR + 180_000)
    expect(sentAt.length).toBeLessThan(200)
  })

  test('leaves the low rate to requests that come later', async () => {
    const { clock, sentAt, queue, send } = stage({ random: () => 0.5 })
    for (let last = false; !last; )
      last = await clock.until(
        queue
          .run('UploadCertificate', () => Promise.reject<boolean>(throttle()))
          .catch(({ tries }: Fault) => tries === 0),
      )
    expect(await clock.until(send().then(() => 'sent'))).toBe('sent')
    sentAt.length = 0
    const before = clock.now()
    await clock.until(send())
    expect((sentAt[0] ?? 0) - before).toBeGreaterThan(10_000)
  })
})

describe('a fault of the account', () => {
  test('stops all requests of its action after one, with the very same fault', async () => {
    const { sentAt, send, fail, reason } = stage()
    const forbidden = answered('API_FORBIDDEN')
    const reasons = await Promise.all(many(20, () => reason(send(fail(forbidden)))))
    expect(sentAt).toHaveLength(1)
    for (const one of reasons) expect(one).toBe(forbidden)
  })

  test('stops later requests, too', async () => {
    const { sentAt, send, fail, reason } = stage()
    await reason(send(fail(answered('API_ACCOUNT_ERROR'))))
    expect(await reason(send())).toMatchObject({ code: 'API_ACCOUNT_ERROR' })
    expect(sentAt).toHaveLength(1)
  })

  test('stops one action only where the key may do others', async () => {
    const { queue, send, fail, reason } = stage()
    const forbidden = answered('API_FORBIDDEN')
    await reason(send(fail(forbidden)))
    expect(await reason(send())).toBe(forbidden)
    expect(await reason(queue.run('DescribeCertificates', async () => {}))).toBe('sent')
  })

  test('is not the rejection of one certificate', async () => {
    const { send, fail, reason } = stage()
    expect(await reason(send(fail(answered('API_REJECTED'))))).toMatchObject({ code: 'API_REJECTED' })
    expect(await reason(send())).toBe('sent')
  })

  test('is not a bug in one request', async () => {
    const { send, reason } = stage()
    const bug = new TypeError('a bug')
    const buggy = send(() => {
      throw bug
    })
    expect(await reason(buggy)).toBe(bug)
    expect(await reason(send())).toBe('sent')
  })
})

describe('a deadline', () => {
  test('ends the wait of a request at once, without sending it', async () => {
    const { clock, sentAt, send, fail, reason } = stage()
    await reason(send(fail(answered('API_THROTTLED'))))
    const deadline = new AbortController()
    const waiting = reason(send(() => {}, 20, deadline.signal))
    setImmediate(() => deadline.abort())
    expect(await waiting).toMatchObject({ code: 'DEADLINE', retry: 'backoff', exit: 75 })
    expect(sentAt).toHaveLength(1)
    expect(clock.now()).toBeLessThan(100)
  })

  test('of one request leaves the others in the queue', async () => {
    const { send, reason } = stage()
    const over = send(() => {}, 20, AbortSignal.abort())
    const others = Promise.all([reason(over), reason(send()), reason(send())])
    expect(await others).toEqual([expect.objectContaining({ code: 'DEADLINE' }), 'sent', 'sent'])
  })
})

describe('a repair', () => {
  test('happens once for ten requests that fail together, however long it takes', async () => {
    const { clock, queue, send, fail, reason, repaired } = stage({
      repair: async () => clock.wait(700).then(() => true),
    })
    await clock.until(send())
    const stale = answered('API_CREDENTIALS')
    const reasons = await Promise.all(many(10, i => reason(send(fail(stale), 3_000 + 50 * i))))
    expect(reasons.every(one => one === stale)).toBe(true)
    expect(repaired).toEqual([stale])
    expect(await queue.repaired()).toBe(true)
    expect(await reason(send())).toBe('sent')
  })

  test('delays requests that were not yet sent', async () => {
    const { clock, sentAt, send, fail, reason } = stage({
      repair: async () => clock.wait(5_000).then(() => true),
    })
    const first = reason(send(fail(answered('API_CLOCK'))))
    const second = reason(send())
    await first
    expect(await second).toBe('sent')
    expect(sentAt[1]).toBeGreaterThanOrEqual(5_000)
  })

  test('without effect stops all requests with the fault', async () => {
    const { queue, sentAt, send, fail, reason } = stage({ repair: async () => false })
    const fault = answered('API_CREDENTIALS')
    const reasons = await Promise.all(many(5, () => reason(send(fail(fault)))))
    for (const one of reasons) expect(one).toBe(fault)
    expect(sentAt).toHaveLength(1)
    expect(await queue.repaired()).toBe(false)
  })

  test('that fails stops all requests with its own fault', async () => {
    const missing = new Fault('CREDENTIALS_MISSING', 'gone')
    const { send, fail, reason } = stage({ repair: () => Promise.reject(missing) })
    await reason(send(fail(answered('API_CREDENTIALS'))))
    expect(await reason(send())).toBe(missing)
  })

  test('is done again for a later fault', async () => {
    const { clock, send, fail, reason, repaired } = stage()
    await reason(send(fail(answered('API_CREDENTIALS'))))
    clock.advance(3_600_000)
    await reason(send(fail(answered('API_CREDENTIALS'))))
    expect(repaired).toHaveLength(2)
  })
})

describe('requests without an answer', () => {
  const network = new Fault('NETWORK', 'nothing listens there')

  test('stop all others after 90 seconds', async () => {
    const { clock, sentAt, send, fail, reason } = stage()
    while (clock.now() < 95_000) await reason(send(fail(network), 10_000))
    const sent = sentAt.length
    expect(await reason(send())).toBe(network)
    expect(sentAt).toHaveLength(sent)
  })

  test('stop no others if any request in between is answered', async () => {
    const { clock, send, fail, reason } = stage()
    for (let i = 0; i < 20; i++)
      await reason(send(fail(i % 5 ? network : answered('API_UNAVAILABLE')), 10_000))
    expect(clock.now()).toBeGreaterThan(190_000)
    expect(await reason(send())).toBe('sent')
  })

  test('are counted from the first one, not from the last answer', async () => {
    const { clock, send, fail, reason } = stage()
    await reason(send())
    clock.advance(8 * 3_600_000)
    await reason(send(fail(network)))
    expect(await reason(send())).toBe('sent')
  })
})
