import { describe, expect, test } from 'vitest'
import { createLimit } from '../../src/emulator/gateway.ts'
import { NOON } from './client.ts'
import { running } from './emulatorFixture.ts'

const admits = (limit: ReturnType<typeof createLimit>, at: number, key = 'a') => {
  try {
    limit.pass(key, at)
    return true
  } catch {
    return false
  }
}

describe('the window', () => {
  test('lets the first N of any one second pass and no more', () => {
    const limit = createLimit(3)
    expect([0, 100, 200, 300].map(at => admits(limit, at))).toEqual([true, true, true, false])
  })
  test('slides: a burst on both sides of a full second is one burst', () => {
    const limit = createLimit(2)
    expect([950, 990, 1010, 1100].map(at => admits(limit, at))).toEqual([true, true, false, false])
    expect(admits(limit, 1950)).toBe(true)
  })
  test('opens again after exactly one second', () => {
    const limit = createLimit(1)
    expect([0, 999, 1000].map(at => admits(limit, at))).toEqual([true, false, true])
  })
  test('does not count what it turned away, so a client that hammers is not locked out', () => {
    const limit = createLimit(1)
    const hammering = Array.from({ length: 21 }, (_, i) => admits(limit, i * 100))
    expect(hammering.filter(Boolean)).toHaveLength(3)
  })
  test('is one for each key', () => {
    const limit = createLimit(1)
    expect([admits(limit, 0, 'a'), admits(limit, 0, 'b'), admits(limit, 0, 'a')]).toEqual([true, true, false])
  })
  test('never admits more than N in any second, however requests fall', () => {
    const limit = createLimit(10)
    const times = Array.from({ length: 2000 }, (_, i) => Math.floor(i * 17 + 900 * Math.sin(i)))
    const admitted = times.toSorted((a, b) => a - b).filter(at => admits(limit, at))
    const most = Math.max(...admitted.map(at => admitted.filter(t => t >= at && t < at + 1000).length))
    expect(most).toBe(10)
  })
})

describe('the emulator', () => {
  test('answers over its rate with the gateway’s code and the backend’s in turn, and with real numbers', async () => {
    const { ask } = await running({ rate: 2 })
    const replies = []
    for (let i = 0; i < 5; i += 1) replies.push(await ask({ action: 'DescribeCertificates' }))
    expect(replies.map(reply => reply.code)).toEqual([
      'OK',
      'OK',
      'RequestLimitExceeded',
      'LimitExceeded.RateLimitExceeded',
      'RequestLimitExceeded',
    ])
    expect(replies[4]?.response.Error.Message).toBe(
      'Your current request times equals to `5` in a second, which exceeds the frequency limit `2` for a second. Please reduce the frequency of calls.',
    )
  })
  test('takes ten a second unless told otherwise, for each action on its own', async () => {
    const { call, entries } = await running({ rate: undefined } as object)
    for (let i = 0; i < 11; i += 1) await call('DescribeCertificates')
    await call('DeleteCertificate', { CertificateId: 'a92b1Z1i' })
    const codes = entries.map(entry => entry.code)
    expect(codes.slice(9)).toEqual(['OK', 'RequestLimitExceeded', 'FailedOperation.CertificateNotFound'])
  })
  test('counts each account on its own', async () => {
    const accounts = { one: { secretKey: '1' }, two: { secretKey: '2' } }
    const { ask } = await running({ rate: 1, accounts })
    const codeOf = async (secretId: string, secretKey: string) =>
      (await ask({ action: 'DescribeCertificates', secretId, secretKey })).code
    expect(await codeOf('one', '1')).toBe('OK')
    expect(await codeOf('two', '2')).toBe('OK')
    expect(await codeOf('one', '1')).toBe('RequestLimitExceeded')
  })
  test('opens again by its own clock', async () => {
    let now = NOON
    const { ask } = await running({ rate: 1, now: () => now })
    const code = async () => (await ask({ action: 'DescribeCertificates' })).code
    expect([await code(), await code()]).toEqual(['OK', 'RequestLimitExceeded'])
    now += 1000
    expect(await code()).toBe('OK')
  })
  test('does not count a request whose signature is wrong', async () => {
    const { ask } = await running({ rate: 1 })
    await ask({ action: 'DescribeCertificates', secretKey: 'wrong' })
    expect((await ask({ action: 'DescribeCertificates' })).code).toBe('OK')
  })
})
