import { describe, expect, test } from 'vitest'
import {
  faultName,
  type InjectedFault,
  type InjectedFaultName,
  randomFaults,
} from '../../src/emulator/faults.ts'
import { PAIR as NEW, openEmulator } from './client.ts'

const PAIR = { ...NEW, Repeatable: false }

/** Injects the fault into the first request only. */
const inject = async (fault: InjectedFault) => {
  const emulator = await openEmulator({ faults: ({ n }) => (n === 1 ? fault : undefined) })
  const first = await emulator.call('UploadCertificate', PAIR).catch((error: NodeJS.ErrnoException) => error)
  return { emulator, first, entry: emulator.entries[0], held: emulator.certificates() }
}

describe('each fault', () => {
  test.each([
    ['gateway-throttle', 'RequestLimitExceeded'],
    ['backend-throttle', 'LimitExceeded.RateLimitExceeded'],
    ['internal-error', 'InternalError'],
  ] as const)('%s answers %s and does nothing', async (fault, code) => {
    const { first, held, entry } = await inject(fault)
    expect(first).toMatchObject({ status: 200, code, response: { RequestId: expect.any(String) } })
    expect(held).toEqual([])
    expect(entry).toMatchObject({ n: 1, code: fault, certificateId: undefined })
  })

  test('bad-gateway answers 502 with a page of HTML and does nothing', async () => {
    const { first, held } = await inject('bad-gateway')
    expect(first).toMatchObject({ status: 502, headers: { 'content-type': 'text/html' } })
    expect('text' in first && first.text).toContain('<h1>502 Bad Gateway</h1>')
    expect(held).toEqual([])
  })

  test('reset-before resets the connection and does nothing', async () => {
    const { first, held, entry } = await inject('reset-before')
    expect(first).toMatchObject({ code: 'ECONNRESET' })
    expect(held).toEqual([])
    expect(entry).toMatchObject({ code: 'reset-before', certificateId: undefined })
  })

  test('reset-after stores the certificate and loses the reply; asking again gives the same id', async () => {
    const { first, held, entry, emulator } = await inject('reset-after')
    expect(first).toMatchObject({ code: 'ECONNRESET' })
    expect(entry).toMatchObject({ code: 'reset-after', certificateId: held[0]?.id })
    const again = await emulator.call('UploadCertificate', PAIR)
    expect(again.response).toMatchObject({ CertificateId: held[0]?.id, RepeatCertId: held[0]?.id })
    expect(emulator.certificates()).toHaveLength(1)
  })

  test('truncated stores the certificate and sends JSON that cannot be read', async () => {
    const { first, held } = await inject('truncated')
    const text = 'text' in first ? first.text : ''
    expect(text).toMatch(/^\{"Response":/)
    expect(() => JSON.parse(text)).toThrow(SyntaxError)
    expect(held).toHaveLength(1)
  })

  test('stall stores the certificate at once and answers late', async () => {
    const emulator = await openEmulator({ faults: () => ({ stall: 200 }) })
    const late = emulator.call('UploadCertificate', PAIR)
    await expect.poll(() => emulator.certificates().length).toBe(1)
    expect(emulator.entries).toEqual([])
    expect((await late).code).toBe('OK')
    expect(emulator.entries[0]).toMatchObject({ code: 'stall', certificateId: expect.any(String) })
  })

  test('is chosen by number and action', async () => {
    const seen: unknown[] = []
    const { call } = await openEmulator({ faults: request => void seen.push(request) })
    await call('UploadCertificate', PAIR)
    await call('DescribeCertificates')
    expect(seen).toEqual([
      { n: 1, action: 'UploadCertificate' },
      { n: 2, action: 'DescribeCertificates' },
    ])
  })
})

const played = (seed: number | string, length = 3000) => {
  const fault = randomFaults(seed)
  return Array.from({ length }, (_, i) => fault({ n: i + 1, action: 'UploadCertificate' }))
}
const names = (all: readonly (InjectedFault | undefined)[]) =>
  all.map(one => (one === undefined ? '.' : faultName(one)))

describe('random faults', () => {
  test('are the same every time for one seed, and differ by seed', () => {
    expect(played(7)).toEqual(played(7))
    expect(played(7)).toEqual(played('7'))
    expect(played('rain')).not.toEqual(played('snow'))
    expect(names(played(1, 12))).toMatchInlineSnapshot(`
      [
        "backend-throttle",
        ".",
        ".",
        ".",
        ".",
        ".",
        "bad-gateway",
        ".",
        ".",
        ".",
        "internal-error",
        "stall",
      ]
    `)
  })

  test('do not depend on the order of the requests', () => {
    const fault = randomFaults(7)
    const backwards = Array.from({ length: 100 }, (_, i) => fault({ n: 100 - i, action: '' }))
    expect(backwards.toReversed()).toEqual(played(7, 100))
  })

  test.each([0, 7, 23, 39])('seed %i: at most one in three, never four in a row, of every kind', seed => {
    const all = names(played(seed))
    const share = all.filter(name => name !== '.').length / all.length
    expect(share).toBeGreaterThan(0.2)
    expect(share).toBeLessThanOrEqual(1 / 3)
    expect(all.map(name => (name === '.' ? '.' : 'x')).join('')).not.toContain('xxxx')
    const kinds: readonly InjectedFaultName[] = [
      'gateway-throttle',
      'backend-throttle',
      'internal-error',
      'bad-gateway',
      'reset-before',
      'reset-after',
      'truncated',
      'stall',
    ]
    expect(new Set(all)).toEqual(new Set([...kinds, '.']))
  })

  test('stall as long as asked', () => {
    const fault = randomFaults(7, { stall: 5 })
    const stalls = Array.from({ length: 200 }, (_, i) => fault({ n: i, action: '' })).filter(
      one => typeof one === 'object',
    )
    expect(new Set(stalls.map(stall => stall.stall))).toEqual(new Set([5]))
  })

  test('let a client through that tries four times, and store each certificate once', async () => {
    const emulator = await openEmulator({ faults: randomFaults('storm', { stall: 1 }) })
    for (let upload = 0; upload < 30; upload += 1) {
      const answers = []
      for (let attempt = 0; attempt < 4; attempt += 1) {
        const reply = await emulator.call('UploadCertificate', PAIR).catch(() => undefined)
        answers.push(reply?.code)
      }
      expect(answers).toContain('OK')
    }
    expect(emulator.certificates()).toHaveLength(1)
  })
})
