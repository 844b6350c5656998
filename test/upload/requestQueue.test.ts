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
