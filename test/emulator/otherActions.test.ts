import { describe, expect, test } from 'vitest'
import { chainPem, expired, intermediate, issue, leaf, other, root } from './certificatePairs.ts'
import { NOON } from './client.ts'
import { running } from './emulatorFixture.ts'

const PAIR = { CertificatePublicKey: chainPem, CertificatePrivateKey: leaf.keyPem }
const OTHER = { CertificatePublicKey: other.pem, CertificatePrivateKey: other.keyPem }
const OLD = { CertificatePublicKey: expired.pem, CertificatePrivateKey: expired.keyPem }
const AUTHORITY = { CertificatePublicKey: root.pem, CertificateType: 'CA' }

const stocked = async (...bodies: readonly object[]) => {
  const emulator = await running()
  const ids: string[] = []
  for (const body of bodies) ids.push((await emulator.call('UploadCertificate', body)).response.CertificateId)
  return { ...emulator, ids }
}

describe('DescribeCertificates', () => {
  test('lists a certificate in the service’s words: Beijing time, and numbers that are strings', async () => {
    const { call, ids } = await stocked({ ...PAIR, Alias: 'web', ProjectId: 7 })
    const { response } = await call('DescribeCertificates')
    expect(response.TotalCount).toBe(1)
    expect(response.Certificates[0]).toMatchObject({
      CertificateId: ids[0],
      Alias: 'web',
      Domain: 'a.example.com',
      SubjectAltName: ['a.example.com', '*.b.example.com'],
      From: 'upload',
      CertificateType: 'SVR',
      ProjectId: '7',
      Status: 1,
      CertBeginTime: '2026-01-01 08:00:00',
      CertEndTime: '2036-01-01 08:00:00',
      InsertTime: '2026-06-15 20:00:00',
      ValidityPeriod: '120',
      IsWildcard: true,
      IsExpiring: false,
      EncryptAlgorithm: 'EC prime256v1',
      CACommonNames: ['Intermediate'],
      Tags: [],
    })
  })

  test('never lists keys', async () => {
    const { call } = await stocked(PAIR)
    expect((await call('DescribeCertificates')).text).not.toContain('PRIVATE KEY')
  })

  test('gives ten, newest first, and pages on from there', async () => {
    const { call, ids } = await stocked(...Array.from({ length: 12 }, () => PAIR))
    const page = async (query: object) => {
      const { response } = await call('DescribeCertificates', query)
      return {
        total: response.TotalCount,
        ids: response.Certificates.map((c: { CertificateId: string }) => c.CertificateId),
      }
    }
    const newest = ids.toReversed()
    expect(await page({})).toEqual({ total: 12, ids: newest.slice(0, 10) })
    expect(await page({ Offset: 10 })).toEqual({ total: 12, ids: newest.slice(10) })
    expect(await page({ Offset: 1, Limit: 2 })).toEqual({ total: 12, ids: newest.slice(1, 3) })
    expect((await page({ Limit: 5000 })).ids).toHaveLength(12)
  })

  test.each<[object, readonly number[]]>([
    [{ SearchKey: 'other.ex' }, [1]],
    [{ SearchKey: 'spare' }, [1]],
    [{ SearchKey: 'nothing of the kind' }, []],
    [{ CertificateType: 'CA' }, [3]],
    [{ CertificateType: 'SVR' }, [0, 1, 2]],
    [{ ProjectId: 5 }, [1]],
    [{ CertificateStatus: [3] }, [2]],
    [{ CertificateStatus: [1, 3] }, [0, 1, 2, 3]],
    [{ FilterExpiring: 1 }, [2]],
    [{ FilterSource: 'buy' }, []],
    [{ FilterSource: 'upload', Upload: 1 }, [0, 1, 2, 3]],
    [{ Deployable: 0 }, [3]],
    [{ IsSM: 1 }, []],
    [{ Renew: 0 }, [0, 1, 2, 3]],
    [{ Tags: [{ TagKey: 'team', TagValue: 'web' }] }, [1]],
    [{ Tags: [{ TagKey: 'team', TagValue: 'mail' }] }, []],
  ])('filters by %j', async (query, expected) => {
    const { call, ids } = await stocked(
      PAIR,
      { ...OTHER, Alias: 'spare', ProjectId: 5, Tags: [{ TagKey: 'team', TagValue: 'web' }] },
      OLD,
      AUTHORITY,
    )
    const { response } = await call('DescribeCertificates', query)
    const found = response.Certificates.map((c: { CertificateId: string }) => ids.indexOf(c.CertificateId))
    expect(found.toSorted()).toEqual(expected)
    expect(response.TotalCount).toBe(expected.length)
  })

  test('finds certificates by their ids and sorts by expiry', async () => {
    const { call, ids } = await stocked(PAIR, OLD, OTHER)
    const found = async (query: object) =>
      (await call('DescribeCertificates', query)).response.Certificates.map((c: { CertificateId: string }) =>
        ids.indexOf(c.CertificateId),
      )
    expect(await found({ CertIds: [ids[0], ids[2]] })).toEqual([2, 0])
    expect((await found({ ExpirationSort: 'ASC' }))[0]).toBe(1)
    expect((await found({ ExpirationSort: 'DESC' })).at(-1)).toBe(1)
  })

  test('calls a certificate expiring from thirty days before its end', async () => {
    const near = await issue({ name: 'near', to: new Date(NOON + 30 * 86_400_000).toISOString() })
    const far = await issue({ name: 'far', to: new Date(NOON + 31 * 86_400_000).toISOString() })
    const { call } = await stocked(
      { CertificatePublicKey: far.pem, CertificatePrivateKey: far.keyPem },
      { CertificatePublicKey: near.pem, CertificatePrivateKey: near.keyPem },
    )
    const { response } = await call('DescribeCertificates')
    expect(response.Certificates.map((c: { IsExpiring: boolean }) => c.IsExpiring)).toEqual([true, false])
  })
})

describe('DescribeCertificateDetail', () => {
  test('gives both PEM texts back and the other names without the main one', async () => {
    const { call, ids } = await stocked(PAIR)
    const { response } = await call('DescribeCertificateDetail', { CertificateId: ids[0] })
    expect(response).toMatchObject({
      CertificateId: ids[0],
      CertificatePublicKey: chainPem,
      CertificatePrivateKey: leaf.keyPem,
      Domain: 'a.example.com',
      SubjectAltName: ['*.b.example.com'],
      Status: 1,
      CertFingerprint: expect.stringMatching(/^[0-9a-f]{40}$/),
      CertChainInfo: [
        { Subject: 'a.example.com', Issuer: 'Intermediate', ValidTo: '2036-01-01 08:00:00' },
        { Subject: 'Intermediate', Issuer: 'Root of the tests' },
      ],
    })
  })
  test('has no key to give for an authority, and says that an old certificate has expired', async () => {
    const { call, ids } = await stocked(AUTHORITY, OLD)
    const detail = async (id: string | undefined) =>
      (await call('DescribeCertificateDetail', { CertificateId: id })).response
    expect((await detail(ids[0])).CertificatePrivateKey).toBe('')
    expect((await detail(ids[1])).Status).toBe(3)
  })
  test('does not know an id it did not give', async () => {
    const { call } = await running()
    const { response } = await call('DescribeCertificateDetail', { CertificateId: 'a92b1Z1i' })
    expect(response.Error).toEqual({
      Code: 'FailedOperation.CertificateNotFound',
      Message: 'Certificate does not exist.',
    })
  })
})

describe('CheckCertificateExist', () => {
  const exists = async (pem: string, ...held: readonly object[]) => {
    const { call, ids } = await stocked(...held)
    const { response, code } = await call('CheckCertificateExist', { CertificatePublicKey: pem })
    return { code, repeat: response.RepeatCertId, ids }
  }
  test('names the id of what is held, whatever chain comes with it', async () => {
    const { repeat, ids } = await exists(leaf.pem, OTHER, PAIR)
    expect(repeat).toBe(ids[1])
  })
  test('names nothing otherwise', async () => {
    expect(await exists(intermediate.pem, PAIR)).toMatchObject({ code: 'OK', repeat: '' })
    expect(await exists('no certificate', PAIR)).toMatchObject({ code: 'FailedOperation.InvalidParam' })
  })
})

describe('DeleteCertificate', () => {
  test('forgets the certificate, so that the next upload of it is new', async () => {
    const { call, ids, certificates } = await stocked(PAIR)
    const gone = await call('DeleteCertificate', { CertificateId: ids[0] })
    expect(gone.response).toMatchObject({ DeleteResult: true, TaskId: null })
    expect(certificates()).toEqual([])
    const again = await call('UploadCertificate', { ...PAIR, Repeatable: false })
    expect(again.response).toMatchObject({ RepeatCertId: '' })
    expect(again.response.CertificateId).not.toBe(ids[0])
  })
  test('gives a task when asked to check the resources first', async () => {
    const { call, ids } = await stocked(PAIR)
    const { response } = await call('DeleteCertificate', { CertificateId: ids[0], IsCheckResource: true })
    expect(response).toMatchObject({ DeleteResult: true, TaskId: expect.any(String) })
  })
  test('cannot delete what is not there', async () => {
    const { call } = await running()
    const { code } = await call('DeleteCertificate', { CertificateId: 'a92b1Z1i' })
    expect(code).toBe('FailedOperation.CertificateNotFound')
  })
})
