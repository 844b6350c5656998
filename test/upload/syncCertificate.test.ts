import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/schema.ts'
import { resolveSettings } from '../../src/config/settings.ts'
import { Fault } from '../../src/errors.ts'
import type { SyncAllDeps } from '../../src/upload/syncAll.ts'
import { syncCertificate } from '../../src/upload/syncCertificate.ts'
import { issue, selfSigned } from '../fixtures/certificates.ts'
import { lineageOf, memory, WISHES, type Written } from './inMemoryDeps.ts'

const DAY = 86_400_000
const days = (count: number) => new Date(Date.now() + count * DAY)

const first = await issue({ notBefore: days(-60), notAfter: days(30) })
const renewed = await issue()
const lineage = lineageOf('a')

function stage(changes: Partial<SyncAllDeps> = {}, written: Written = first) {
  const kept = memory(changes)
  kept.disk.set('a', written)
  const check = (options: Partial<typeof WISHES> = {}, which = lineage) =>
    syncCertificate(which, kept.effects, { ...WISHES, ...options })
  return { ...kept, check, put: (next: Written) => kept.disk.set('a', next) }
}

const reject = (error: unknown) => () => Promise.reject(error)

describe('a check', () => {
  test('uploads a new certificate, records it and returns its ID', async () => {
    const { check, sent, receipts } = stage()
    expect(await check()).toMatchObject({
      lineage: 'pem:a',
      outcome: 'uploaded',
      because: 'first-seen',
      certificateId: 'ID1',
      requestId: 'request-1',
      reused: false,
      attempts: 1,
      supersedes: null,
      bundle: { names: ['example.com', 'www.example.com'] },
    })
    expect(sent.map(({ bundle }) => bundle.chainPem)).toEqual([first.chain])
    expect(receipts.get('pem:a')?.uploaded).toMatchObject({
      certificateId: 'ID1',
      endpoint: 'ssl.tencentcloudapi.com',
    })
  })

  test('uploads nothing the second time', async () => {
    const { check, sent } = stage()
    await check()
    expect(await check()).toMatchObject({ outcome: 'unchanged', because: 'unchanged', certificateId: 'ID1' })
    expect(sent).toHaveLength(1)
  })

  test('uploads a renewed certificate, and returns and records the ID it replaces', async () => {
    const { check, put, receipts } = stage()
    await check()
    put(renewed)
    expect(await check()).toMatchObject({
      outcome: 'uploaded',
      because: 'changed',
      certificateId: 'ID2',
      supersedes: 'ID1',
    })
    expect(receipts.get('pem:a')).toMatchObject({
      uploaded: { certificateId: 'ID2' },
      superseded: [{ certificateId: 'ID1' }],
    })
  })

  test('uploads the same certificate again if forced', async () => {
    const { check, sent } = stage()
    await check()
    expect(await check({ force: true })).toMatchObject({
      because: 'forced',
      certificateId: 'ID1',
      reused: true,
      supersedes: null,
    })
    expect(sent).toHaveLength(2)
  })

  test('ignores what was uploaded to another endpoint', async () => {
    const { check } = stage()
    await check({ endpoint: '127.0.0.1' })
    expect(await check()).toMatchObject({ outcome: 'uploaded', because: 'first-seen', supersedes: null })
  })

  test('uploads and records nothing in a dry run', async () => {
    const { check, sent, receipts } = stage()
    expect(await check({ dryRun: true })).toMatchObject({ outcome: 'planned', because: 'first-seen' })
    expect(sent).toEqual([])
    expect(receipts.size).toBe(0)
  })
})

describe('a pair mid-change', () => {
  test('is pending if key and chain are of two generations', async () => {
    const { check, sent } = stage({}, { chain: renewed.chain, key: first.key })
    expect(await check({ last: true })).toMatchObject({
      outcome: 'failed',
      fault: { code: 'KEY_MISMATCH', retry: 'recheck', exit: 75 },
    })
    expect(sent).toEqual([])
  })

  test('is pending if a leaf without its issuer was just written', async () => {
    const { check } = stage({}, { chain: first.leaf, key: first.key, settled: false })
    expect(await check()).toMatchObject({
      outcome: 'failed',
      fault: {
        code: 'CHAIN_INCOMPLETE',
        retry: 'recheck',
        exit: 75,
        message: 'a/chain.pem: the issuer of example.com may still be written',
      },
      bundle: { notes: [expect.stringContaining('its issuer is not in the chain file')] },
    })
  })

  test('is uploaded as a leaf alone if it is settled, or at the last check', async () => {
    const alone = { chain: first.leaf, key: first.key }
    expect(await stage({}, { ...alone, settled: true }).check()).toMatchObject({ outcome: 'uploaded' })
    expect(await stage({}, { ...alone, settled: false }).check({ last: true })).toMatchObject({
      outcome: 'uploaded',
    })
  })

  test('is uploaded at once if the certificate is self-signed', async () => {
    const { check } = stage({}, { ...(await selfSigned()), settled: false })
    expect(await check()).toMatchObject({ outcome: 'uploaded' })
  })
})

describe('a failed check', () => {
  test('has the fault of reading the files', async () => {
    const fault = new Fault('FILE_UNREADABLE', 'a/key.pem: cannot be read (EACCES)')
    const outcome = await stage({ read: reject(fault) }).check()
    expect(outcome).toMatchObject({ outcome: 'failed', lineage: 'pem:a', fault })
    expect(outcome).not.toHaveProperty('bundle')
  })

  test('uploads nothing if the state cannot be read', async () => {
    const fault = new Fault('STATE_DIR_UNUSABLE', 'the state directory /s cannot be used (EACCES)')
    const { check, sent } = stage({ recall: reject(fault) })
    expect(await check()).toMatchObject({ outcome: 'failed', fault })
    expect(sent).toEqual([])
  })

  test('has the new ID if it cannot be recorded', async () => {
    const fault = new Fault('STATE_DIR_UNUSABLE', 'the state directory /s cannot be used (ENOSPC)')
    expect(await stage({ record: reject(fault) }).check()).toMatchObject({
      outcome: 'failed',
      fault: {
        code: 'UPLOAD_NOT_RECORDED',
        exit: 74,
        message: 'uploaded as ID1, but the state directory /s cannot be used (ENOSPC)',
        cause: fault,
      },
    })
  })

  test.each(['read', 'recall', 'upload', 'record'] as const)(
    'has an internal error for a bug in %s',
    async effect => {
      const bug = new TypeError(`cannot read\n${first.key}`)
      const outcome = await stage({ [effect]: reject(bug) }).check()
      expect(outcome).toMatchObject({
        outcome: 'failed',
        fault: { code: 'INTERNAL_ERROR', exit: 70, retry: 'never', cause: bug },
      })
      const { fault } = outcome as { fault: Fault }
      expect(fault.message).toMatch(/^unexpected: TypeError: cannot read\n?\s*\[secret\]/)
    },
  )

  test('never shows the key', async () => {
    const { check } = stage({ record: reject(new Fault('STATE_DIR_UNUSABLE', 'no')) })
    const text = inspect(await check(), { depth: 20, showHidden: true })
    expect(text).not.toContain('PRIVATE KEY')
    expect(text).not.toContain(first.key.split('\n')[1])
  })
})

describe('a check refuses', () => {
  test.each([
    ['expired', 'expired', 'EXPIRED', days(-90), days(-1)],
    ['not valid yet', 'not-yet-valid', 'NOT_YET_VALID', days(1), days(90)],
  ])('a certificate that is %s', async (_, because, code, notBefore, notAfter) => {
    const { check, sent } = stage({}, await issue({ notBefore, notAfter }))
    expect(await check()).toMatchObject({ outcome: 'refused', because, fault: { code } })
    expect(sent).toEqual([])
  })

  test('an older one than was uploaded, because links were moved back', async () => {
    const { check, put, sent } = stage()
    await check()
    put(renewed)
    await check()
    put(first)
    expect(await check()).toMatchObject({ outcome: 'refused', because: 'older-than-uploaded' })
    expect(sent).toHaveLength(2)
    put(renewed)
    expect(await check()).toMatchObject({ outcome: 'unchanged' })
  })

  test('no certificate that begins and ends earlier and was never replaced', async () => {
    const { check, put } = stage({}, renewed)
    await check()
    put(first)
    expect(await check()).toMatchObject({ outcome: 'uploaded', because: 'older' })
    put(renewed)
    expect(await check()).toMatchObject({ outcome: 'uploaded', because: 'changed' })
    put(first)
    expect(await check()).toMatchObject({ outcome: 'refused', because: 'older-than-uploaded' })
  })

  test('a certificate that the service rejected, until it or its settings change or it is forced', async () => {
    const rejected = new Fault('API_REJECTED', 'the service answered no', {
      apiCode: 'FailedOperation.CertificateParseError',
    })
    const asked: string[] = []
    const { check, put, receipts } = stage({
      upload: async bundle => {
        asked.push(bundle.fingerprint)
        throw rejected
      },
    })
    expect(await check()).toMatchObject({ outcome: 'failed', fault: rejected })
    expect(receipts.get('pem:a')).toMatchObject({
      uploaded: undefined,
      rejected: { apiCode: 'FailedOperation.CertificateParseError', message: 'the service answered no' },
    })
    expect(await check()).toMatchObject({ outcome: 'refused', because: 'rejected-before' })
    expect(asked).toHaveLength(1)
    await check({}, lineageOf('a', { project_id: 7 }))
    expect(asked).toHaveLength(2)
    await check({ force: true })
    expect(asked).toHaveLength(3)
    put(renewed)
    await check()
    expect(asked).toHaveLength(4)
  })

  test('no rejected certificate with another region, endpoint or language', async () => {
    const asked: string[] = []
    const { check } = stage({
      upload: async (_, { upload: { service } }) => {
        asked.push(Object.values(service).join(' '))
        throw new Fault('API_REJECTED', 'the service answered InvalidParameterValue: Region')
      },
    })
    const withSettings = (tencent: Config['tencent']) => {
      const { forLineage } = resolveSettings({}, {}, { tencent })
      return { ...lineage, ...forLineage(lineage.id, lineage.name, {}) }
    }
    const variants: readonly Config['tencent'][] = [
      { region: 'ap-nowhere' },
      { region: 'ap-singapore' },
      { endpoint: 'https://ssl.intl.tencentcloudapi.com' },
      { language: 'zh-CN' },
    ]
    for (const variant of variants) {
      expect(await check({}, withSettings(variant))).toMatchObject({ outcome: 'failed' })
      expect(await check({}, withSettings(variant))).toMatchObject({ because: 'rejected-before' })
    }
    expect(asked).toHaveLength(variants.length)
  })

  test.each(['API_PROJECT', 'API_FORBIDDEN', 'DEADLINE'] as const)(
    'nothing later after %s, which is not recorded',
    async code => {
      const fault = new Fault(code, 'no')
      const { check, receipts } = stage({ upload: reject(fault) })
      expect(await check()).toMatchObject({ outcome: 'failed', fault })
      expect(receipts.size).toBe(0)
    },
  )

  test.each(['NETWORK', 'API_UNAVAILABLE'] as const)(
    'nothing after %s, of which it records the time of the next attempt',
    async code => {
      const { check, receipts } = stage({ upload: reject(new Fault(code, 'no')) })
      await check()
      expect([...receipts.values()]).toMatchObject([{ rejected: undefined, failing: { code, failures: 1 } }])
    },
  )
})
