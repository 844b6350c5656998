import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import type { InjectedFault } from '../../src/emulator/faults.ts'
import { refused } from '../http/httpServers.ts'
import { failureOf } from '../tencent/clientFixture.ts'
import { bundleOf, first, stage } from './uploaderFixture.ts'

describe('an upload', () => {
  test('takes one request and yields the ID', async () => {
    const { upload, emulator, codes, said } = await stage()
    expect(await upload()).toMatchObject({
      certificateId: emulator.certificates()[0]?.id,
      reused: false,
      attempts: 1,
    })
    expect(codes()).toEqual(['OK'])
    expect(said).toEqual([])
  })

  test.each<InjectedFault>([
    'reset-after',
    'truncated',
    'reset-before',
    'bad-gateway',
    'internal-error',
    { stall: 50 },
  ])('survives %o: one certificate is stored, and its ID is what comes out', async faults => {
    const { upload, emulator } = await stage({ faults: first(faults) })
    const { certificateId, attempts } = await upload()
    expect(emulator.certificates().map(({ id }) => id)).toEqual([certificateId])
    expect(attempts).toBe(typeof faults === 'string' ? 2 : 1)
  })

  test('says what it waits for, and why', async () => {
    const { upload, said } = await stage({ faults: first('bad-gateway', 'gateway-throttle') })
    expect(await upload()).toMatchObject({ attempts: 3 })
    expect(said).toMatchObject([
      {
        level: 'info',
        event: 'retry',
        code: 'REPLY_UNREADABLE',
        advice: expect.stringContaining('is failing'),
        msg: "pem:a not uploaded at attempt 1, trying again in 0.3 s: the answer was HTTP 502, not the service's",
      },
      { msg: expect.stringContaining('the service answered RequestLimitExceeded: ') },
    ])
  })

  test.each(['both', 'certificate-id-only', 'repeat-cert-id-only', 'error'] as const)(
    'of what is there already yields the ID it has, in whatever form the service says so (%s)',
    async duplicates => {
      const { upload, emulator } = await stage({ duplicates })
      const { certificateId } = await upload()
      expect((await upload()).certificateId).toBe(certificateId)
      expect(emulator.certificates()).toHaveLength(1)
    },
  )

  test('that can never succeed ends after eight attempts with the last of their failures', async () => {
    const { upload, said } = await stage({ endpoint: (await refused()).slice(0, -1) })
    expect(await failureOf(upload())).toMatchObject({ code: 'NETWORK', retry: 'backoff' })
    expect(said).toHaveLength(7)
  })
})

describe('a call of another action', () => {
  const context = { lineage: 'pem:a', failed: 'not listed' }

  test('has its reply in the form of the schema, and is retried', async () => {
    const { uploader, said } = await stage({ faults: first('bad-gateway') })
    const reply = uploader.call(
      'DescribeCertificates',
      { Limit: 1 },
      v.object({ TotalCount: v.number() }),
      context,
    )
    expect(await reply).toEqual({ fields: { TotalCount: 0 }, requestId: expect.any(String), attempts: 2 })
    expect(said).toMatchObject([
      { event: 'retry', msg: expect.stringMatching(/^pem:a not listed at attempt 1, /) },
    ])
  })

  test('fails when the reply has another form, and names the field', async () => {
    const { uploader } = await stage()
    const reply = uploader.call('DescribeCertificates', {}, v.object({ TotalCount: v.string() }), context)
    expect(await failureOf(reply)).toMatchObject({
      code: 'REPLY_UNREADABLE',
      requestId: expect.any(String),
      message: expect.stringContaining('TotalCount'),
    })
  })
})

describe('a clock that is wrong', () => {
  test.each([
    [600, "this machine's clock is 10 minutes slow; signing with the service's time"],
    [-600, "this machine's clock is 10 minutes fast; signing with the service's time"],
  ])('by %i s costs one request and one warning, also for ten uploads at once', async (seconds, text) => {
    // no whole second: the Date header has none smaller
    const { upload, codes, said } = await stage({
      now: () => Math.floor(Date.now() / 1000 + seconds) * 1000 + 500,
    })
    const bundles = await Promise.all(Array.from({ length: 10 }, (_, i) => bundleOf(`${i}.example.com`)))
    const all = await Promise.all(bundles.map(upload))
    expect(new Set(all.map(({ certificateId }) => certificateId)).size).toBe(10)
    expect(codes()).toEqual(['AuthFailure.SignatureExpire', ...Array(10).fill('OK')])
    const warnings = said.filter(({ level }) => level === 'warn')
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatchObject({ msg: text, advice: expect.stringContaining('timedatectl') })
  })
})
