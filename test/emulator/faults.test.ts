import { describe, expect, test } from 'vitest'
import {
  type InjectedFault,
  type InjectedFaultName,
  nameOf,
  randomFaults,
} from '../../src/emulator/faults.ts'
import { chainPem, leaf } from './certificatePairs.ts'
import { running } from './emulatorFixture.ts'

const PAIR = { CertificatePublicKey: chainPem, CertificatePrivateKey: leaf.keyPem, Repeatable: false }

/** The first request meets the mischief; the next does not. */
const meeting = async (mischief: InjectedFault) => {
  const emulator = await running({ mischief: ({ n }) => (n === 1 ? mischief : undefined) })
  const first = await emulator.call('UploadCertificate', PAIR).catch((error: NodeJS.ErrnoException) => error)
  return { emulator, first, entry: emulator.entries[0], held: emulator.certificates() }
}

describe('each mischief', () => {
  test.each([
    ['gateway-throttle', 'RequestLimitExceeded'],
    ['backend-throttle', 'LimitExceeded.RateLimitExceeded'],
    ['internal-error', 'InternalError'],
  ] as const)('%s answers %s and does nothing', async (mischief, code) => {
    const { first, held, entry } = await meeting(mischief)
    expect(first).toMatchObject({ status: 200, code, response: { RequestId: expect.any(String) } })
    expect(held).toEqual([])
    expect(entry).toMatchObject({ n: 1, code: mischief, certificateId: undefined })
  })

  test('bad-gateway answers 502 with a page of HTML and does nothing', async () => {
    const { first, held } = await meeting('bad-gateway')
    expect(first).toMatchObject({ status: 502, headers: { 'content-type': 'text/html' } })
    expect('text' in first && first.text).toContain('<h1>502 Bad Gateway</h1>')
    expect(held).toEqual([])
  })

  test('reset-before resets the connection and does nothing', async () => {
    const { first, held, entry } = await meeting('reset-before')
    expect(first).toMatchObject({ code: 'ECONNRESET' })
    expect(held).toEqual([])
    expect(entry).toMatchObject({ code: 'reset-before', certificateId: undefined })
  })

  test('reset-after stores the certificate and loses the reply; asking again gives the same id', async () => {
    const { first, held, entry, emulator } = await meeting('reset-after')
    expect(first).toMatchObject({ code: 'ECONNRESET' })
    expect(entry).toMatchObject({ code: 'reset-after', certificateId: held[0]?.id })
    const again = await emulator.call('UploadCertificate', PAIR)
    expect(again.response).toMatchObject({ CertificateId: held[0]?.id, RepeatCertId: held[0]?.id })
    expect(emulator.certificates()).toHaveLength(1)
  })

  test('truncated stores the certificate and sends JSON that cannot be read', async () => {
    const { first, held } = await meeting('truncated')
    const text = 'text' in first ? first.text : ''
    expect(text).toMatch(/^\{"Response":/)
    expect(() => JSON.parse(text)).toThrow(SyntaxError)
    expect(held).toHaveLength(1)
  })

  test('stall stores the certificate at once and answers late', async () => {
    const emulator = await running({ mischief: () => ({ stall: 200 }) })
    const late = emulator.call('UploadCertificate', PAIR)
    await expect.poll(() => emulator.certificates().length).toBe(1)
    expect(emulator.entries).toEqual([])
    expect((await late).code).toBe('OK')
    expect(emulator.entries[0]).toMatchObject({ code: 'stall', certificateId: expect.any(String) })
  })

  test('is decided by number and action', async () => {
    const seen: unknown[] = []
    const { call } = await running({ mischief: request => void seen.push(request) })
    await call('UploadCertificate', PAIR)
    await call('DescribeCertificates')
    expect(seen).toEqual([
      { n: 1, action: 'UploadCertificate' },
      { n: 2, action: 'DescribeCertificates' },
    ])
  })
})

const played = (seed: number | string, length = 3000) => {
  const mischief = randomFaults(seed)
  return Array.from({ length }, (_, i) => mischief({ n: i + 1, action: 'UploadCertificate' }))
}
const names = (all: readonly (InjectedFault | undefined)[]) =>
  all.map(one => (one === undefined ? '.' : nameOf(one)))

describe('misbehaving by seed', () => {
  test('is the same every time for one seed, and another thing for another', () => {
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

  test('does not depend on the order in which requests come', () => {
    const mischief = randomFaults(7)
    const backwards = Array.from({ length: 100 }, (_, i) => mischief({ n: 100 - i, action: '' }))
    expect(backwards.toReversed()).toEqual(played(7, 100))
  })

  test.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'seed %i: at most one in three, never four in a row, every kind',
    seed => {
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
    },
  )

  test('stalls as long as it is told', () => {
    const mischief = randomFaults(7, { stall: 5 })
    const stalls = Array.from({ length: 200 }, (_, i) => mischief({ n: i, action: '' })).filter(
      one => typeof one === 'object',
    )
    expect(new Set(stalls.map(stall => stall.stall))).toEqual(new Set([5]))
  })

  test('lets everybody through who asks four times, and stores each certificate once', async () => {
    const emulator = await running({ mischief: randomFaults('storm', { stall: 1 }) })
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
