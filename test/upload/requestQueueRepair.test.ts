import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import { answered, many, stage } from './requestQueueFixture.ts'

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
