import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import { answered, many, stage } from './requestQueueFixture.ts'

describe('the rhythm', () => {
  test('the first request goes alone: nine others wait for its answer', async () => {
    const { clock, left, send } = stage()
    const work = Promise.all(many(10, () => send(() => {}, 5_000)))
    await clock.still()
    expect(left).toEqual([0])
    await clock.until(work)
    expect(left[1]).toBeGreaterThanOrEqual(5_000)
  })

  test('requests leave in the order in which they came', async () => {
    const { clock, lanes } = stage()
    const order: number[] = []
    await clock.until(Promise.all(many(30, i => lanes.run('UploadCertificate', async () => order.push(i)))))
    expect(order).toEqual(many(30, i => i))
  })

  test('who comes late does not overtake who still sleeps', async () => {
    const { clock, lanes, send } = stage()
    await clock.until(send())
    const order: string[] = []
    const early = lanes.run('UploadCertificate', async () => order.push('early'))
    await clock.still()
    clock.advance(10_000)
    const late = lanes.run('UploadCertificate', async () => order.push('late'))
    await clock.until(Promise.all([early, late]))
    expect(order).toEqual(['early', 'late'])
  })

  test.each([1, 3, 10])('at %i a second no second ever sees more', async rate => {
    const { clock, left, send } = stage({ rate })
    await clock.until(Promise.all(many(40, () => send())))
    for (const start of left) {
      expect(left.filter(at => at >= start && at < start + 1_000).length).toBeLessThanOrEqual(rate)
    }
  })

  test('one throttled request slows all of them, and successes bring the speed back', async () => {
    const { clock, left, send, fail, reason } = stage({ random: () => 0.5 })
    await clock.until(Promise.all(many(10, () => send())))
    expect(await reason(send(fail(answered('API_THROTTLED'))))).toMatchObject({ code: 'API_THROTTLED' })
    const throttledAt = clock.now()
    left.length = 0
    await clock.until(Promise.all(many(60, () => send())))
    const gaps = left.slice(1).map((at, i) => at - (left[i] ?? 0))
    expect((left[0] ?? 0) - throttledAt).toBeGreaterThanOrEqual(250)
    expect(gaps[0]).toBeGreaterThan(110)
    expect(gaps.at(-1)).toBeLessThan(110)
  })
})

test('each action has a rate limit of its own', async () => {
  const { clock, lanes } = stage({ rate: 1 })
  const sent: string[] = []
  const send = (action: string) =>
    lanes.run(action, async () => void sent.push(`${action} ${Math.floor(clock.now() / 1_000)}`))
  await clock.until(Promise.all(['A', 'B', 'A', 'B'].map(send)))
  expect(sent.toSorted()).toEqual(['A 0', 'A 1', 'B 0', 'B 1'])
})

describe('a limit that lets nothing through', () => {
  const HOUR = 3_600_000
  const throttle = () => new Fault('API_THROTTLED', 'too fast', { apiCode: 'RequestLimitExceeded' })

  test('is asked for an hour, ever more rarely; then all that wait get one fault, which is not tried again', async () => {
    const { clock, left, lanes } = stage({ random: () => 0.5 })
    const asking = async () => {
      for (;;) {
        const fault = await lanes
          .run('UploadCertificate', async (): Promise<Fault> => {
            left.push(clock.now())
            throw throttle()
          })
          .catch((error: Fault) => error)
        if (fault.tries === 0) return fault
      }
    }
    const faults = await clock.until(Promise.all(many(20, asking)))
    expect(new Set(faults).size).toBe(1)
    expect(faults[0]).toMatchObject({
      code: 'API_THROTTLED',
      apiCode: 'RequestLimitExceeded',
      exit: 75,
      message: 'in 60 minutes nothing got through: too fast',
    })
    expect(clock.now()).toBeGreaterThan(HOUR)
    expect(clock.now()).toBeLessThan(HOUR + 180_000)
    expect(left.length).toBeLessThan(200)
  })

  test('is asked again by what comes later, at the pace that was learnt', async () => {
    const { clock, left, lanes, send } = stage({ random: () => 0.5 })
    for (let last = false; !last; )
      last = await clock.until(
        lanes
          .run('UploadCertificate', () => Promise.reject<boolean>(throttle()))
          .catch(({ tries }: Fault) => tries === 0),
      )
    expect(await clock.until(send().then(() => 'went well'))).toBe('went well')
    left.length = 0
    const before = clock.now()
    await clock.until(send())
    expect((left[0] ?? 0) - before).toBeGreaterThan(10_000)
  })
})

describe('a fault of the account', () => {
  test('stops everything after one request, and all get the very same fault', async () => {
    const { left, send, fail, reason } = stage()
    const forbidden = answered('API_FORBIDDEN')
    const reasons = await Promise.all(many(20, () => reason(send(fail(forbidden)))))
    expect(left).toHaveLength(1)
    for (const one of reasons) expect(one).toBe(forbidden)
  })

  test('stops those that come later, too', async () => {
    const { left, send, fail, reason } = stage()
    await reason(send(fail(answered('API_ACCOUNT_ERROR'))))
    expect(await reason(send())).toMatchObject({ code: 'API_ACCOUNT_ERROR' })
    expect(left).toHaveLength(1)
  })

  test('stops one action only where the key may do others', async () => {
    const { lanes, send, fail, reason } = stage()
    const forbidden = answered('API_FORBIDDEN')
    await reason(send(fail(forbidden)))
    expect(await reason(send())).toBe(forbidden)
    expect(await reason(lanes.run('DescribeCertificates', async () => {}))).toBe('went well')
  })

  test('is not what one bad certificate makes: the others go on', async () => {
    const { send, fail, reason } = stage()
    expect(await reason(send(fail(answered('API_REJECTED'))))).toMatchObject({ code: 'API_REJECTED' })
    expect(await reason(send())).toBe('went well')
  })

  test('is not what a bug in one request makes', async () => {
    const { send, reason } = stage()
    const bug = new TypeError('a bug')
    const buggy = send(() => {
      throw bug
    })
    expect(await reason(buggy)).toBe(bug)
    expect(await reason(send())).toBe('went well')
  })
})

describe('a deadline', () => {
  test('ends the wait for a place at once, and nothing is sent', async () => {
    const { clock, left, send, fail, reason } = stage()
    await reason(send(fail(answered('API_THROTTLED'))))
    const deadline = new AbortController()
    const waiting = reason(send(() => {}, 20, deadline.signal))
    setImmediate(() => deadline.abort())
    expect(await waiting).toMatchObject({ code: 'DEADLINE', retry: 'backoff', exit: 75 })
    expect(left).toHaveLength(1)
    expect(clock.now()).toBeLessThan(100)
  })

  test('of one leaves the others in the queue', async () => {
    const { send, reason } = stage()
    const over = send(() => {}, 20, AbortSignal.abort())
    const others = Promise.all([reason(over), reason(send()), reason(send())])
    expect(await others).toEqual([expect.objectContaining({ code: 'DEADLINE' }), 'went well', 'went well'])
  })
})

describe('a repair', () => {
  test('happens once for ten requests that fail together, however long it takes', async () => {
    const { clock, lanes, send, fail, reason, repaired } = stage({
      repair: async () => clock.wait(700).then(() => true),
    })
    await clock.until(send())
    const stale = answered('API_CREDENTIALS')
    const reasons = await Promise.all(many(10, i => reason(send(fail(stale), 3_000 + 50 * i))))
    expect(reasons.every(one => one === stale)).toBe(true)
    expect(repaired).toEqual([stale])
    expect(await lanes.repaired()).toBe(true)
    expect(await reason(send())).toBe('went well')
  })

  test('holds back what has not left yet', async () => {
    const { clock, left, send, fail, reason } = stage({
      repair: async () => clock.wait(5_000).then(() => true),
    })
    const first = reason(send(fail(answered('API_CLOCK'))))
    const second = reason(send())
    await first
    expect(await second).toBe('went well')
    expect(left[1]).toBeGreaterThanOrEqual(5_000)
  })

  test('that fixes nothing stops all with the fault it could not fix', async () => {
    const { lanes, left, send, fail, reason } = stage({ repair: async () => false })
    const fault = answered('API_CREDENTIALS')
    const reasons = await Promise.all(many(5, () => reason(send(fail(fault)))))
    for (const one of reasons) expect(one).toBe(fault)
    expect(left).toHaveLength(1)
    expect(await lanes.repaired()).toBe(false)
  })

  test('that fails itself stops all with its own fault', async () => {
    const missing = new Fault('CREDENTIALS_MISSING', 'gone')
    const { send, fail, reason } = stage({ repair: () => Promise.reject(missing) })
    await reason(send(fail(answered('API_CREDENTIALS'))))
    expect(await reason(send())).toBe(missing)
  })

  test('is made again where the fixed cause breaks again', async () => {
    const { clock, send, fail, reason, repaired } = stage()
    await reason(send(fail(answered('API_CREDENTIALS'))))
    clock.advance(3_600_000)
    await reason(send(fail(answered('API_CREDENTIALS'))))
    expect(repaired).toHaveLength(2)
  })
})

describe('silence', () => {
  const network = new Fault('NETWORK', 'nothing listens there')

  test('of more than 90 seconds ends the run: nothing is sent into it any longer', async () => {
    const { clock, left, send, fail, reason } = stage()
    while (clock.now() < 95_000) await reason(send(fail(network), 10_000))
    const sent = left.length
    expect(await reason(send())).toBe(network)
    expect(left).toHaveLength(sent)
  })

  test('is broken by any answer, be it a refusal', async () => {
    const { clock, send, fail, reason } = stage()
    for (let i = 0; i < 20; i++)
      await reason(send(fail(i % 5 ? network : answered('API_UNAVAILABLE')), 10_000))
    expect(clock.now()).toBeGreaterThan(190_000)
    expect(await reason(send())).toBe('went well')
  })

  test('is not what idle hours are: the first failure after them is an ordinary one', async () => {
    const { clock, send, fail, reason } = stage()
    await reason(send())
    clock.advance(8 * 3_600_000)
    await reason(send(fail(network)))
    expect(await reason(send())).toBe('went well')
  })
})
