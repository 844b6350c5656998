import { describe, expect, test } from 'vitest'
import { failureOf } from '../tencent/clientFixture.ts'
import { KEYS, stage } from './uploaderFixture.ts'

describe('credentials', () => {
  test('that are refused end ten uploads after one request, each with the very same fault', async () => {
    const { upload, codes } = await stage({ env: { ...KEYS, TENCENTCLOUD_SECRET_KEY: 'wrong' } })
    const faults = await Promise.all(Array.from({ length: 10 }, () => failureOf(upload())))
    expect(codes()).toEqual(['AuthFailure.SignatureFailure'])
    expect(faults[0]).toMatchObject({ code: 'API_CREDENTIALS', scope: 'account', exit: 77 })
    expect(new Set(faults).size).toBe(1)
  })

  test('that are missing end them without any', async () => {
    const { upload, codes } = await stage({ env: { TENCENTCLOUD_SECRET_ID: 'half' } })
    const faults = await Promise.all(Array.from({ length: 10 }, () => failureOf(upload())))
    expect(codes()).toEqual([])
    expect(new Set(faults).size).toBe(1)
    expect(faults[0]).toMatchObject({ code: 'CREDENTIALS_UNREADABLE', scope: 'account' })
  })

  test('that may not upload end them after one request', async () => {
    const secretKey = KEYS.TENCENTCLOUD_SECRET_KEY
    const { upload, codes } = await stage({
      accounts: { 'certferry-demo': { secretKey, denied: ['UploadCertificate'] } },
    })
    const faults = await Promise.all([failureOf(upload()), failureOf(upload()), failureOf(upload())])
    expect(codes()).toEqual(['AuthFailure.UnauthorizedOperation'])
    expect(new Set(faults).size).toBe(1)
  })

  test('come from where the origin says', async () => {
    const { uploader } = await stage()
    expect(await uploader.origin()).toBe('environment')
  })
})

describe('the end', () => {
  test('of the time allowed cuts the request short, and nothing is tried again', async () => {
    const deadline = new AbortController()
    const { upload, said } = await stage({
      signal: deadline.signal,
      faults: () => ({ stall: 5_000 }),
      now: () => {
        queueMicrotask(() => deadline.abort())
        return Date.now()
      },
    })
    expect(await failureOf(upload())).toMatchObject({ code: 'DEADLINE', exit: 75 })
    expect(said).toEqual([])
  })

  test('of one refused certificate is not the end of the others', async () => {
    const { upload, bundle } = await stage()
    const strange = { ...bundle, chainPem: bundle.chainPem.replace(/\n/g, ' ') }
    const [bad, good] = await Promise.all([failureOf(upload(strange)), upload()])
    expect(bad).toMatchObject({ code: 'API_REJECTED', apiCode: 'FailedOperation.CertificateInvalid' })
    expect(good.attempts).toBe(1)
  })

  test('closes every connection at once, and may come twice', async () => {
    const { upload, uploader } = await stage()
    await upload()
    await uploader.close()
    await uploader.close()
    expect(await failureOf(upload())).toMatchObject({ code: 'NETWORK' })
  })
})
