import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/schema.ts'
import { resolveSettings } from '../../src/config/settings.ts'
import { Fault } from '../../src/errors.ts'
import { issue } from '../fixtures/certificates.ts'
import { lineageOf } from './inMemoryDeps.ts'
import { days, first, lineage, reject, renewed, stage } from './syncCertificateFixture.ts'

describe('what is refused', () => {
  test.each([
    ['expired', 'expired', 'EXPIRED', days(-90), days(-1)],
    ['not valid yet', 'not-yet-valid', 'NOT_YET_VALID', days(1), days(90)],
  ])('a certificate that is %s', async (_, because, code, notBefore, notAfter) => {
    const { look, sent } = stage({}, await issue({ notBefore, notAfter }))
    expect(await look()).toMatchObject({ outcome: 'refused', because, fault: { code } })
    expect(sent).toEqual([])
  })

  test('an older one than was uploaded, because links were moved back', async () => {
    const { look, put, sent } = stage()
    await look()
    put(renewed)
    await look()
    put(first)
    expect(await look()).toMatchObject({ outcome: 'refused', because: 'older-than-uploaded' })
    expect(sent).toHaveLength(2)
    put(renewed)
    expect(await look()).toMatchObject({ outcome: 'unchanged' })
  })

  test('not one that was backdated: by another authority, or when it was issued again', async () => {
    const { look, put } = stage()
    await look()
    put(await issue({ notBefore: days(-69), notAfter: days(36) }))
    expect(await look()).toMatchObject({ outcome: 'uploaded', because: 'changed' })
    put(first)
    expect(await look()).toMatchObject({ outcome: 'refused', because: 'older-than-uploaded' })
  })

  test('one that begins and ends earlier is uploaded, is called so, and gives way again', async () => {
    const { look, put } = stage({}, renewed)
    await look()
    put(first)
    expect(await look()).toMatchObject({ outcome: 'uploaded', because: 'older' })
    put(renewed)
    expect(await look()).toMatchObject({ outcome: 'uploaded', because: 'changed' })
    put(first)
    expect(await look()).toMatchObject({ outcome: 'refused', because: 'older-than-uploaded' })
  })

  test('one the service refused for what is in it, until its bytes or its settings change or it is forced', async () => {
    const rejected = new Fault('API_REJECTED', 'the service answered no', {
      apiCode: 'FailedOperation.CertificateParseError',
    })
    const asked: string[] = []
    const { look, put, receipts } = stage({
      upload: async bundle => {
        asked.push(bundle.fingerprint)
        throw rejected
      },
    })
    expect(await look()).toMatchObject({ outcome: 'failed', fault: rejected })
    expect(receipts.get('pem:a')).toMatchObject({
      uploaded: undefined,
      rejected: { apiCode: 'FailedOperation.CertificateParseError', message: 'the service answered no' },
    })
    expect(await look()).toMatchObject({ outcome: 'refused', because: 'rejected-before' })
    expect(asked).toHaveLength(1)
    await look({}, lineageOf('a', { project_id: 7 }))
    expect(asked).toHaveLength(2)
    await look({ force: true })
    expect(asked).toHaveLength(3)
    put(renewed)
    await look()
    expect(asked).toHaveLength(4)
  })

  test('nor is it once the region, the endpoint or the language that it was sent with is another', async () => {
    const asked: string[] = []
    const { look } = stage({
      upload: async (_, { upload: { service } }) => {
        asked.push(Object.values(service).join(' '))
        throw new Fault('API_REJECTED', 'the service answered InvalidParameterValue: Region')
      },
    })
    const withSettings = (tencent: Config['tencent']) => {
      const { uploadOf } = resolveSettings({}, {}, { tencent })
      return { ...lineage, upload: uploadOf(lineage.id, lineage.name, {}) }
    }
    const ways: readonly Config['tencent'][] = [
      { region: 'ap-nowhere' },
      { region: 'ap-singapore' },
      { endpoint: 'https://ssl.intl.tencentcloudapi.com' },
      { language: 'zh-CN' },
    ]
    for (const way of ways) {
      expect(await look({}, withSettings(way))).toMatchObject({ outcome: 'failed' })
      expect(await look({}, withSettings(way))).toMatchObject({ because: 'rejected-before' })
    }
    expect(asked).toHaveLength(ways.length)
  })

  test.each(['API_PROJECT', 'API_FORBIDDEN', 'DEADLINE'] as const)(
    'but %s lies not in the bytes: nothing is remembered',
    async code => {
      const fault = new Fault(code, 'no')
      const { look, receipts } = stage({ upload: reject(fault) })
      expect(await look()).toMatchObject({ outcome: 'failed', fault })
      expect(receipts.size).toBe(0)
    },
  )

  test.each(['NETWORK', 'API_UNAVAILABLE'] as const)(
    '%s is remembered with the time of the next attempt',
    async code => {
      const { look, receipts } = stage({ upload: reject(new Fault(code, 'no')) })
      await look()
      expect([...receipts.values()]).toMatchObject([{ rejected: undefined, failing: { code, failures: 1 } }])
    },
  )
})
