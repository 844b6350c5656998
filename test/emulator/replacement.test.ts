/** One certificate in another's place: the whole way, and every trap on it. */
import { describe, expect, test } from 'vitest'
import type { EmulatorOptions } from '../../src/emulator/server.ts'
import { CDN, CERTIFICATES, NEXT_ID, OLD_ID, openCloud, pairOf, REPLACE } from './cloud.ts'

const ACTION = 'UpdateCertificateInstance'
const EMPTY = 'FailedOperation.CertificateDeployInstanceEmpty'
const PENDING = 'FailedOperation.CertificateDeployHasPendingRecord'
const THIRD_ID = 'thrCCCC3'
const third = { ...(await pairOf('a.example.com', '*.b.example.com')), id: THIRD_ID }
const narrow = { ...(await pairOf('a.example.com')), id: 'narrow01' }
const CERTIFICATES_4 = [...CERTIFICATES, third, narrow].map(({ id, chain, key }) => ({ id, chain, key }))

const open = (options: EmulatorOptions = {}) => openCloud({ certificates: CERTIFICATES_4, ...options })

describe('the whole way', () => {
  test('from survey to record: resources change one by one, and the old certificate is free', async () => {
    const { survey, replace, record, pass, resources, jobs } = await open()
    expect(await survey(OLD_ID)).toMatchObject({ cdn: 1, 'clb ap-guangzhou': 1, teo: 0 })
    const id = await replace()
    expect(id).toBeGreaterThan(2 ** 31)
    const standing = () => resources().map(({ certId }) => certId)
    expect(standing()).toEqual([OLD_ID, OLD_ID])
    pass(16)
    expect(await record(id)).toMatchObject({ TotalCount: 2, SuccessTotalCount: 0, RunningTotalCount: 0 })
    pass(20)
    expect(await record(id)).toMatchObject({ TotalCount: 2, SuccessTotalCount: 0, RunningTotalCount: 1 })
    expect(standing()).toEqual([OLD_ID, OLD_ID])
    pass(10)
    expect(standing()).toEqual([NEXT_ID, OLD_ID])
    expect(await record(id)).toMatchObject({ TotalCount: 2, SuccessTotalCount: 1 })
    expect(jobs()[0]?.finished).toBe(false)
    pass(60)
    expect(standing()).toEqual([NEXT_ID, NEXT_ID])
    expect(await record(id)).toMatchObject({ TotalCount: 2, SuccessTotalCount: 2, RunningTotalCount: 0 })
    expect(jobs()).toMatchObject([{ id, finished: true, statuses: { 'cdn/a.example.com': 1 } }])
    expect(await survey(OLD_ID)).toMatchObject({ cdn: 0, 'clb ap-guangzhou': 0 })
    expect(await survey(NEXT_ID)).toMatchObject({ cdn: 1, 'clb ap-guangzhou': 1 })
    await expect(replace()).rejects.toThrow(EMPTY)
  })

  test('a scaled clock lets the same time pass sooner', async () => {
    const { ask, pass, resources } = await open({ timeScale: 60 })
    for (let i = 0; i < 3; i += 1) {
      const { DeployRecordId } = await ask(ACTION, REPLACE)
      expect(Boolean(DeployRecordId)).toBe(i === 2)
      pass(0.07)
    }
    expect(resources()[0]?.certId).toBe(OLD_ID)
    pass(0.7)
    expect(resources()[0]?.certId).toBe(NEXT_ID)
    expect(resources()[1]?.certId).toBe(OLD_ID)
  })
})

describe('the scan', () => {
  test('lasts two calls and eight seconds, and reports its progress late', async () => {
    const { ask, pass } = await open()
    const first = await ask(ACTION, REPLACE)
    expect(first).toMatchObject({ DeployRecordId: 0, DeployStatus: 0, UpdateSyncProgress: null })
    const second = await ask(ACTION, REPLACE)
    expect(second.UpdateSyncProgress?.[0]).toEqual({
      ResourceType: 'cdn',
      UpdateSyncProgressRegions: null,
      Status: null,
    })
    const third = await ask(ACTION, REPLACE)
    expect(third.DeployRecordId).toBe(0)
    expect(third.UpdateSyncProgress?.[1]).toEqual({
      ResourceType: 'clb',
      UpdateSyncProgressRegions: [{ Region: 'ap-guangzhou', TotalCount: 0, OffsetCount: 0, Status: 3 }],
      Status: 3,
    })
    pass(8)
    const last = await ask(ACTION, REPLACE)
    expect(last).toMatchObject({ DeployRecordId: expect.any(Number), DeployStatus: 0 })
    expect(last.UpdateSyncProgress?.[1]).toMatchObject({
      UpdateSyncProgressRegions: [{ TotalCount: 1, OffsetCount: 1, Status: 1 }],
    })
  })

  test('needs two calls however much time has passed', async () => {
    const { ask, pass } = await open()
    const records = []
    for (let i = 0; i < 3; i += 1) {
      records.push((await ask(ACTION, REPLACE)).DeployRecordId)
      pass(9)
    }
    expect(records).toEqual([0, 0, expect.any(Number)])
    expect(records[2]).not.toBe(0)
  })

  test('goes on for the identical request only', async () => {
    const { ask, pass } = await open()
    await ask(ACTION, REPLACE)
    await ask(ACTION, REPLACE)
    pass(9)
    const other = await ask(ACTION, { ...REPLACE, ResourceTypes: ['cdn'] })
    expect(other).toMatchObject({ DeployRecordId: 0, UpdateSyncProgress: null })
    const pair = await ask(ACTION, { ...REPLACE, CertificateId: THIRD_ID })
    expect(pair).toMatchObject({ DeployRecordId: 0, UpdateSyncProgress: null })
    expect((await ask(ACTION, REPLACE)).DeployRecordId).toBeGreaterThan(0)
  })

  test('is forgotten after ten minutes of silence', async () => {
    const { ask, pass } = await open()
    await ask(ACTION, REPLACE)
    await ask(ACTION, REPLACE)
    pass(599)
    expect((await ask(ACTION, { ...REPLACE, ResourceTypes: ['cdn'] })).UpdateSyncProgress).toBe(null)
    pass(2)
    expect(await ask(ACTION, REPLACE)).toMatchObject({ DeployRecordId: 0, UpdateSyncProgress: null })
  })

  test('answers with null on the international site, and the status says so where it is documented to', async () => {
    const { ask, pass } = await open({ traps: { site: 'international', deployStatus: 'documented' } })
    expect(await ask(ACTION, REPLACE)).toMatchObject({ DeployRecordId: null, DeployStatus: 0 })
    await ask(ACTION, REPLACE)
    pass(9)
    expect(await ask(ACTION, REPLACE)).toMatchObject({ DeployStatus: 1 })
    expect(await ask(ACTION, REPLACE)).toMatchObject({ DeployStatus: 0, DeployRecordId: expect.any(Number) })
  })
})

describe('while a job runs', () => {
  test('the same pair gets its record, and another certificate is refused', async () => {
    const { ask, replace, pass } = await open()
    const id = await replace()
    expect(await ask(ACTION, REPLACE)).toMatchObject({ DeployRecordId: id, DeployStatus: 0 })
    await expect(ask(ACTION, { ...REPLACE, CertificateId: THIRD_ID })).rejects.toThrow(PENDING)
    pass(200)
    await expect(replace()).rejects.toThrow(EMPTY)
  })

  test('the same pair is refused where the trap says so', async () => {
    const { ask, replace } = await open({ traps: { duringJob: 'pending' } })
    await replace()
    await expect(ask(ACTION, REPLACE)).rejects.toThrow(PENDING)
  })

  test('of two processes that ask for the same, one creates the record and both get it', async () => {
    const { ask, pass, jobs } = await open()
    await Promise.all([ask(ACTION, REPLACE), ask(ACTION, REPLACE)])
    pass(9)
    const both = await Promise.all([ask(ACTION, REPLACE), ask(ACTION, REPLACE)])
    expect(both[0]?.DeployRecordId).toBe(both[1]?.DeployRecordId)
    expect(jobs()).toHaveLength(1)
  })
})

test('reminders of the old certificate end where the request says so', async () => {
  const ignored = async (changes: object) => {
    const { replace, ask } = await open()
    await replace(changes)
    const { Certificates } = await ask('DescribeCertificates', { CertIds: [OLD_ID] })
    return Certificates[0]?.IsIgnore
  }
  expect(await ignored({ ExpiringNotificationSwitch: 1 })).toBe(true)
  expect(await ignored({ ExpiringNotificationSwitch: 0 })).toBe(false)
})

test('a reply is lost after the job was created, and the next request finds the job', async () => {
  let cut = false
  const { ask, pass, jobs } = await open({ faults: () => (cut ? 'reset-after' : undefined) })
  await ask(ACTION, REPLACE)
  await ask(ACTION, REPLACE)
  pass(9)
  cut = true
  await expect(ask(ACTION, REPLACE)).rejects.toThrow(/socket|ECONNRESET/)
  expect(jobs()).toHaveLength(1)
  cut = false
  expect(await ask(ACTION, REPLACE)).toMatchObject({ DeployRecordId: jobs()[0]?.id })
})

describe('another client', () => {
  test('runs a job for the same certificate to a third', async () => {
    const { ask, startJob, pass, resources } = await open()
    const foreign = startJob(OLD_ID, THIRD_ID)
    await expect(ask(ACTION, REPLACE)).rejects.toThrow(PENDING)
    const { DeployRecordList } = await ask('DescribeHostUpdateRecord', { OldCertificateId: OLD_ID })
    expect(DeployRecordList).toMatchObject([{ Id: foreign, CertId: THIRD_ID, Status: 0 }])
    pass(200)
    expect(resources().map(({ certId }) => certId)).toEqual([THIRD_ID, THIRD_ID])
  })

  test('binds another certificate in the middle', async () => {
    const { replace, pass, rebind, resources, survey } = await open()
    await replace()
    pass(60)
    rebind('cdn/a.example.com', THIRD_ID)
    pass(200)
    expect(resources().map(({ certId }) => certId)).toEqual([THIRD_ID, NEXT_ID])
    expect(await survey(THIRD_ID)).toMatchObject({ cdn: 1 })
    expect(() => rebind('cdn/a.example.com', 'nowhere1')).toThrow('no certificate')
    expect(() => rebind('nowhere', THIRD_ID)).toThrow('no resource')
  })

  test('deletes the new certificate before the request', async () => {
    const { replace, deleteCertificate } = await open()
    deleteCertificate(NEXT_ID)
    await expect(replace()).rejects.toThrow('FailedOperation.CertificateNotFound')
  })
})

describe('resources wait for the certificate that is uploaded for them', () => {
  test('by a name that it covers, and by its alias', async () => {
    const { addCertificate, resources } = await openCloud({
      certificates: [],
      resources: [
        { ...CDN, certId: 'first:x.b.example.com' },
        { ...CDN, name: 'by alias', certId: 'alias:web', extCertIds: ['first:a.example.com'] },
        { ...CDN, name: 'bound to nothing', certId: undefined },
      ],
    })
    const first = addCertificate({ chain: narrow.chain, key: narrow.key })
    expect(resources().map(({ certId, extCertIds }) => [certId, extCertIds])).toEqual([
      [undefined, []],
      [undefined, [first]],
      [undefined, []],
    ])
    const second = addCertificate({ chain: third.chain, key: third.key, alias: 'web' })
    const again = addCertificate({ chain: third.chain, key: third.key, alias: 'web' })
    expect(again).not.toBe(second)
    expect(resources().map(({ certId }) => certId)).toEqual([second, second, undefined])
  })
})
