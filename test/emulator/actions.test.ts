import { describe, expect, test } from 'vitest'
import { caCertificate, issue, type Wish } from '../fixtures/certificates.ts'
import { issued, NOON, openEmulator, PAIR } from './client.ts'

const other = await issue({ names: ['other.example.com'] })
const OTHER = { CertificatePublicKey: other.chain, CertificatePrivateKey: other.key }

const holding = async (...bodies: readonly object[]) => {
  const emulator = await openEmulator()
  const ids: string[] = []
  for (const body of bodies) ids.push((await emulator.call('UploadCertificate', body)).response.CertificateId)
  return { ...emulator, ids }
}

describe('DescribeCertificates', () => {
  test('lists certificates as the service does: Beijing time, numbers as strings, no keys', async () => {
    const dates = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2036-01-01T00:00:00Z') }
    const { chain, key } = await issue({ names: ['a.example.com', '*.b.example.com'], ...dates })
    const pair = { CertificatePublicKey: chain, CertificatePrivateKey: key }
    const { call, ids } = await holding({ ...pair, Alias: 'web', ProjectId: 7 })
    const { response, text } = await call('DescribeCertificates')
    expect(response.TotalCount).toBe(1)
    expect(response.Certificates[0]).toMatchObject({
      CertificateId: ids[0],
      Alias: 'web',
      Domain: 'a.example.com',
      SubjectAltName: ['a.example.com', '*.b.example.com'],
      CertificateType: 'SVR',
      ProjectId: '7',
      Status: 1,
      CertBeginTime: '2026-01-01 08:00:00',
      CertEndTime: '2036-01-01 08:00:00',
      InsertTime: '2026-06-15 20:00:00',
    })
    expect(text).not.toContain('PRIVATE KEY')
  })

  test('lists ten certificates, newest first, and pages from there', async () => {
    const { call, ids } = await holding(...Array.from({ length: 12 }, () => PAIR))
    const newest = ids.toReversed()
    const page = async (query: object) => {
      const { response } = await call('DescribeCertificates', query)
      expect(response.TotalCount).toBe(12)
      return response.Certificates.map(({ CertificateId }) => CertificateId)
    }
    expect(await page({})).toEqual(newest.slice(0, 10))
    expect(await page({ Offset: 1, Limit: 2 })).toEqual(newest.slice(1, 3))
    expect(await page({ Limit: 5000 })).toEqual(newest)
  })

  test('finds certificates by name, alias and ID, and shows what has expired', async () => {
    const old = await issue({
      names: ['old.example.com'],
      notAfter: new Date('2026-06-01T00:00:00Z'),
      notBefore: new Date('2026-05-01T00:00:00Z'),
    })
    const OLD = { CertificatePublicKey: old.chain, CertificatePrivateKey: old.key }
    const { call, ids } = await holding(PAIR, { ...OTHER, Alias: 'spare' }, OLD)
    const found = async (query: object) =>
      (await call('DescribeCertificates', query)).response.Certificates.map(each =>
        ids.indexOf(each.CertificateId),
      )
    expect(await found({ SearchKey: 'other.ex' })).toEqual([1])
    expect(await found({ SearchKey: 'spare' })).toEqual([1])
    expect(await found({ SearchKey: 'no such' })).toEqual([])
    expect(await found({ CertIds: [ids[0], ids[2]] })).toEqual([2, 0])
    const { response } = await call('DescribeCertificates')
    expect(response.Certificates.map(({ Status }) => Status)).toEqual([3, 1, 1])
  })
})

describe('DescribeCertificates, by what a replacement asks for', () => {
  const DAY = 86_400_000
  const dated = async (days: number, wish: Wish = {}) => {
    const notBefore = new Date(NOON - 60 * DAY)
    const pair = await issue({ ...wish, notBefore, notAfter: new Date(NOON + days * DAY) })
    return { CertificatePublicKey: pair.chain, CertificatePrivateKey: pair.key }
  }

  test('finds by type, status, source, project and expiry, and sorts by it', async () => {
    const authority = { CertificatePublicKey: await caCertificate(), CertificateType: 'CA' }
    const soon = { ...(await dated(30)), ProjectId: 7 }
    const { call, ids } = await holding(await dated(-1), soon, await dated(31), authority)
    const found = async (query: object) =>
      (await call('DescribeCertificates', query)).response.Certificates.map(each =>
        ids.indexOf(each.CertificateId),
      )
    expect(await found({})).toEqual([3, 2, 1, 0])
    expect(await found({ CertificateType: 'SVR' })).toEqual([2, 1, 0])
    expect(await found({ CertificateType: 'CA' })).toEqual([3])
    expect(await found({ CertificateStatus: [1], CertificateType: 'SVR' })).toEqual([2, 1])
    expect(await found({ CertificateStatus: [1, 3] })).toEqual([3, 2, 1, 0])
    expect(await found({ CertificateStatus: [] })).toEqual([3, 2, 1, 0])
    expect(await found({ FilterSource: 'upload', FilterExpiring: 1 })).toEqual([1])
    expect(await found({ FilterSource: 'buy' })).toEqual([])
    expect(await found({ ProjectId: 7 })).toEqual([1])
    expect(await found({ ExpirationSort: 'ASC' })).toEqual([0, 1, 2, 3])
    expect(await found({ ExpirationSort: 'DESC' })).toEqual([3, 2, 1, 0])
    expect((await call('DescribeCertificates', { CertificateStatus: ['1'] })).code).toBe('InvalidParameter')
  })

  test('says whether one expires soon, and the kind of its key', async () => {
    const { call } = await holding(await dated(29, { kind: 'rsa2048' }), await dated(31))
    const { response } = await call('DescribeCertificates')
    expect(response.Certificates).toMatchObject([
      { IsExpiring: false, EncryptAlgorithm: 'ECC', IsIgnore: false, HostingStatus: -1 },
      { IsExpiring: true, EncryptAlgorithm: 'RSA', CertSANs: ['example.com', 'www.example.com'] },
    ])
  })
})

describe('CheckCertificateExist', () => {
  test('answers with the ID of a stored certificate, whatever chain comes with it', async () => {
    const { call, ids } = await holding(OTHER, PAIR)
    const { response } = await call('CheckCertificateExist', { CertificatePublicKey: issued.leaf })
    expect(response.RepeatCertId).toBe(ids[1])
  })

  test('answers with an empty ID otherwise, and refuses what is no certificate', async () => {
    const { call } = await holding(PAIR)
    const check = (pem: string) => call('CheckCertificateExist', { CertificatePublicKey: pem })
    expect((await check(other.leaf)).response.RepeatCertId).toBe('')
    expect((await check('no certificate')).code).toBe('FailedOperation.InvalidParam')
  })
})

describe('DeleteCertificate', () => {
  test('removes a certificate, so that its next upload gets a new ID', async () => {
    const { call, ids, certificates } = await holding(PAIR)
    const { response } = await call('DeleteCertificate', { CertificateId: ids[0] })
    expect(response).toMatchObject({ DeleteResult: true, TaskId: null })
    expect(certificates()).toEqual([])
    const again = await call('UploadCertificate', { ...PAIR, Repeatable: false })
    expect(again.response.CertificateId).not.toBe(ids[0])
  })

  test('answers with a task if the resources are to be checked, and does not know other IDs', async () => {
    const { call, ids } = await holding(PAIR)
    const { response } = await call('DeleteCertificate', { CertificateId: ids[0], IsCheckResource: true })
    expect(response).toMatchObject({ DeleteResult: false, TaskId: expect.any(String) })
    expect((await call('DeleteCertificate', { CertificateId: 'a92b1Z1i' })).response.Error).toEqual({
      Code: 'FailedOperation.CertificateNotFound',
      Message: 'Certificate does not exist.',
    })
  })
})
