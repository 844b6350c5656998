/** What the service says of its jobs, and what it can do with them afterwards. */
import { describe, expect, test } from 'vitest'
import type { ResourceInput } from '../../src/emulator/resources.ts'
import { CDN, CLB, NEXT_ID, OLD_ID, openCloud, REPLACE, type Reply } from './cloud.ts'

const details = ({ RecordDetailList }: Reply) => RecordDetailList.flatMap(({ List }) => List)
const statuses = (reply: Reply) => details(reply).map(({ Status }) => Status)
const counts = ({
  SuccessTotalCount: success,
  FailedTotalCount: failed,
  RunningTotalCount: running,
}: Reply) => [success, failed, running]
const hosts = (count: number): readonly ResourceInput[] =>
  Array.from({ length: count }, (_, i) => ({ ...CDN, name: `cdn ${i}`, domains: [`x${i}.b.example.com`] }))

describe('a record', () => {
  test('shows nothing in its first fifteen seconds, and no pending ones ever', async () => {
    const { replace, record, pass } = await openCloud()
    const id = await replace()
    const hidden = { RecordDetailList: [] }
    expect(await record(id)).toMatchObject({ ...hidden, TotalCount: null, SuccessTotalCount: null })
    pass(14)
    const later = await record(id)
    expect(later).toMatchObject({ ...hidden, TotalCount: 0, SuccessTotalCount: 0, FailedTotalCount: 0 })
    pass(1)
    const shown = await record(id)
    expect(shown).toMatchObject({ TotalCount: 2, SuccessTotalCount: 0 })
    expect(statuses(shown)).toEqual([0, 0])
    expect(shown).not.toHaveProperty('PendingTotalCount')
  })

  test('counts pending ones where the trap is off', async () => {
    const { replace, record, pass } = await openCloud({ traps: { pendingCount: true } })
    const id = await replace()
    pass(16)
    expect(await record(id)).toMatchObject({ PendingTotalCount: 2, RunningTotalCount: 0 })
  })

  test('goes through pending, working and done, each resource in its own time', async () => {
    const { replace, record, pass } = await openCloud({ resources: hosts(4) })
    const id = await replace({ ResourceTypes: ['cdn'] })
    const seen: string[] = []
    for (let i = 0; i < 25; i += 1) {
      pass(5)
      seen.push(statuses(await record(id)).join(''))
    }
    const path = [...new Set(seen)]
    expect(path[0]).toBe('')
    expect(path.at(-1)).toBe('1111')
    expect(path).toContain('1300')
    expect(path).toContain('1113')
  })

  test('is in UTC to the microsecond in its details, and in Beijing time in the list', async () => {
    const { replace, record, pass, ask } = await openCloud()
    const id = await replace()
    pass(200)
    const [first] = details(await record(id))
    expect(first).toMatchObject({ CreateTime: '2026-06-15T12:00:08.000000Z' })
    const { DeployRecordList } = await ask('DescribeHostUpdateRecord')
    expect(DeployRecordList[0]).toMatchObject({
      Id: id,
      CertId: NEXT_ID,
      OldCertId: OLD_ID,
      ResourceTypes: ['cdn', 'clb'],
      Regions: ['ap-guangzhou'],
      Status: 1,
      CreateTime: '2026-06-15 20:00:08',
    })
  })

  test('joins the domains of a listener without SNI, and lists those of one with it', async () => {
    const domains = async (sni: boolean) => {
      const { replace, record, pass } = await openCloud({ resources: [{ ...CLB, sni }] })
      const id = await replace()
      pass(20)
      const [listener] = details(await record(id))
      expect(listener).toMatchObject({ InstanceId: 'lb-1', ListenerId: 'lbl-1', SniSwitch: sni ? 1 : 0 })
      return listener?.Domains
    }
    expect(await domains(false)).toEqual(['a.example.com,x.b.example.com'])
    expect(await domains(true)).toEqual(['a.example.com', 'x.b.example.com'])
  })

  test('is paged by texts that are numbers, at most 200, of each type or of all', async () => {
    const resources = [...hosts(3), CLB]
    const each = await openCloud({ resources })
    const id = await each.replace()
    each.pass(20)
    const lengths = ({ RecordDetailList }: Reply) => RecordDetailList.map(({ List }) => List.length)
    expect(lengths(await each.record(id, { Limit: '2' }))).toEqual([2, 1])
    expect(lengths(await each.record(id, { Limit: '2', Offset: '2' }))).toEqual([1, 0])
    for (const wrong of [{ Limit: 2 }, { Offset: 0 }, { Limit: '201' }, { Limit: 'ten' }, { Offset: '-1' }])
      await expect(each.record(id, wrong)).rejects.toThrow('InvalidParameter')
    await expect(each.ask('DescribeHostUpdateRecordDetail', { DeployRecordId: id })).rejects.toThrow(
      'InvalidParameter',
    )
    const all = await openCloud({ resources, traps: { limitCounts: 'all' } })
    const other = await all.replace()
    all.pass(20)
    expect(lengths(await all.record(other, { Limit: '2' }))).toEqual([2])
    expect(lengths(await all.record(other, { Limit: '2', Offset: '2' }))).toEqual([1, 1])
    expect(await all.record(other, { Limit: '2' })).toMatchObject({ TotalCount: 4 })
  })

  test('is not known by another number', async () => {
    const { record } = await openCloud()
    for (const id of [1, 5_000_000_001]) await expect(record(id)).rejects.toThrow('CertificateDeployNotExist')
  })

  test('is found by its pair, newest first', async () => {
    const { replace, pass, startJob, ask } = await openCloud()
    const first = await replace()
    pass(200)
    const second = startJob(NEXT_ID, OLD_ID)
    const found = async (query: object) =>
      (await ask('DescribeHostUpdateRecord', query)).DeployRecordList.map(({ Id }) => Id)
    expect(await found({})).toEqual([second, first])
    expect(await found({ CertificateId: NEXT_ID })).toEqual([first])
    expect(await found({ OldCertificateId: NEXT_ID })).toEqual([second])
    expect(await found({ CertificateId: NEXT_ID, OldCertificateId: NEXT_ID })).toEqual([])
    expect(await found({ Offset: 1, Limit: 1 })).toEqual([first])
    await expect(found({ Limit: '1' })).rejects.toThrow('InvalidParameter')
  })

  test('shows the numbers that are in no count', async () => {
    const resources = [{ ...CDN, shows: 6 } as const, { ...CLB, shows: 7 } as const]
    const { replace, record, pass, resources: now } = await openCloud({ resources })
    const id = await replace()
    pass(90)
    expect(statuses(await record(id))).toEqual([6, 7])
    pass(110)
    const end = await record(id)
    expect(statuses(end)).toEqual([6, 1])
    expect([end.TotalCount, ...counts(end)]).toEqual([2, 1, 0, 0])
    expect(now().map(({ certId }) => certId)).toEqual([OLD_ID, NEXT_ID])
  })
})

describe('a resource that fails', () => {
  const failing = (times: number | 'always', message = '超时') => ({ ...CDN, fail: { times, message } })
  const retry = 'UpdateCertificateRecordRetry'

  test('keeps its certificate and says why; the others change', async () => {
    const { replace, record, pass, resources, survey } = await openCloud({ resources: [failing(1), CLB] })
    const id = await replace()
    pass(200)
    const end = await record(id)
    expect(counts(end)).toEqual([1, 1, 0])
    expect(details(end)[0]).toMatchObject({ Status: 2, ErrorMsg: '超时' })
    expect(resources().map(({ certId }) => certId)).toEqual([OLD_ID, NEXT_ID])
    expect(await survey(OLD_ID)).toMatchObject({ cdn: 1, 'clb ap-guangzhou': 0 })
  })

  test('succeeds at a second try, by the record or by the detail', async () => {
    for (const by of ['record', 'detail']) {
      const { replace, record, pass, ask, resources } = await openCloud({ resources: [failing(1), CLB] })
      const id = await replace()
      await expect(ask(retry, { DeployRecordId: id })).rejects.toThrow('CertificateDeployHasPendingRecord')
      pass(200)
      const detail = details(await record(id))[0]?.Id
      await ask(retry, by === 'record' ? { DeployRecordId: id } : { DeployRecordDetailId: detail })
      expect(statuses(await record(id))).toEqual([0, 1])
      expect(resources()[0]?.certId).toBe(OLD_ID)
      pass(200)
      expect(statuses(await record(id))).toEqual([1, 1])
      expect(resources()[0]?.certId).toBe(NEXT_ID)
      await expect(ask(retry, { DeployRecordId: id })).rejects.toThrow('CertificateDeployRetryStatusInvalid')
    }
  })

  test('fails again as often as it should, or always', async () => {
    for (const times of [2, 'always'] as const) {
      const { replace, pass, ask, resources } = await openCloud({ resources: [failing(times)] })
      const id = await replace({ ResourceTypes: ['cdn'] })
      pass(200)
      await ask(retry, { DeployRecordId: id })
      pass(200)
      expect(resources()[0]?.certId).toBe(OLD_ID)
      await ask(retry, { DeployRecordId: id })
      pass(200)
      expect(resources()[0]?.certId).toBe(times === 2 ? NEXT_ID : OLD_ID)
    }
  })

  test('is found again by the same request, and only it', async () => {
    const { replace, record, pass } = await openCloud({ resources: [failing(1), CLB] })
    const first = await replace()
    pass(200)
    const second = await replace()
    expect(second).not.toBe(first)
    pass(200)
    expect((await record(second)).RecordDetailList).toMatchObject([{ ResourceType: 'cdn', TotalCount: 1 }])
  })

  test('fails while it is operating, and for ever with a name that is not covered', async () => {
    const { replace, record, pass, ask, setState } = await openCloud({
      resources: [
        { ...CDN, name: 'busy', state: 'operating' },
        { ...CDN, name: 'uncovered', domains: ['elsewhere.example.com'] },
      ],
      traps: { uncovered: 'fail' },
    })
    const id = await replace({ ResourceTypes: ['cdn'] })
    pass(200)
    const end = await record(id)
    expect(details(end).map(({ ErrorMsg }) => ErrorMsg)).toEqual([
      'FailedOperation.ResourceInOperating',
      expect.stringContaining('\\u8bc1'),
    ])
    setState('busy', 'idle')
    await ask(retry, { DeployRecordId: id })
    pass(200)
    expect(statuses(await record(id))).toEqual([1, 2])
  })

  test('is not retried by a number that is not known', async () => {
    const { ask } = await openCloud()
    for (const wrong of [{}, { DeployRecordId: 1 }, { DeployRecordDetailId: 1 }])
      await expect(ask(retry, wrong)).rejects.toThrow('CertificateDeployNotExist')
    await expect(ask(retry, { DeployRecordId: '1' })).rejects.toThrow('InvalidParameter')
  })
})

describe('a rollback', () => {
  const rollback = 'UpdateCertificateRecordRollback'

  test('is a job of its own that takes back what succeeded', async () => {
    const resources = [{ ...CDN, fail: { times: 1, message: 'no' } }, CLB]
    const { replace, record, pass, ask, resources: now } = await openCloud({ resources })
    const id = await replace()
    await expect(ask(rollback, { DeployRecordId: id })).rejects.toThrow('DetailRollbackStatusInvalid')
    pass(200)
    const { DeployRecordId } = await ask(rollback, { DeployRecordId: id })
    expect(DeployRecordId).not.toBe(id)
    await expect(ask(rollback, { DeployRecordId: id })).rejects.toThrow('HasPendingRecord')
    pass(200)
    const end = await record(DeployRecordId ?? 0)
    expect(statuses(end)).toEqual([4])
    expect(counts(end)).toEqual([0, 0, 0])
    expect(now().map(({ certId }) => certId)).toEqual([OLD_ID, OLD_ID])
    await expect(ask(rollback, { DeployRecordId: id })).rejects.toThrow(
      'CertificateDeployRollbackStatusInvalid',
    )
  })

  test('leaves alone what another put on the new certificate or took from it', async () => {
    const resources = [{ ...CDN, fail: { times: 1, message: 'no' } }, CLB, { ...CDN, name: 'moved' }]
    const { replace, record, pass, ask, rebind } = await openCloud({ resources })
    const id = await replace()
    pass(200)
    rebind('cdn/a.example.com', NEXT_ID)
    rebind('moved', OLD_ID)
    const { DeployRecordId } = await ask(rollback, { DeployRecordId: id })
    pass(20)
    const { RecordDetailList } = await record(DeployRecordId ?? 0)
    expect(RecordDetailList.map(({ ResourceType, TotalCount }) => [ResourceType, TotalCount])).toEqual([
      ['clb', 1],
    ])
  })

  test('may fail, and can be tried again', async () => {
    const { replace, record, pass, ask, resources, setState } = await openCloud({ resources: [CDN] })
    const id = await replace({ ResourceTypes: ['cdn'] })
    pass(200)
    setState('cdn/a.example.com', 'operating')
    const back = (await ask(rollback, { DeployRecordId: id })).DeployRecordId ?? 0
    pass(200)
    expect(statuses(await record(back))).toEqual([5])
    setState('cdn/a.example.com', 'idle')
    await ask('UpdateCertificateRecordRetry', { DeployRecordId: back })
    pass(200)
    expect(statuses(await record(back))).toEqual([4])
    expect(resources()[0]?.certId).toBe(OLD_ID)
  })

  test('needs the old certificate, and a record', async () => {
    const { replace, pass, ask, deleteCertificate } = await openCloud()
    const id = await replace()
    pass(200)
    deleteCertificate(OLD_ID)
    await expect(ask(rollback, { DeployRecordId: id })).rejects.toThrow('CertificateNotFound')
    await expect(ask(rollback, { DeployRecordId: 1 })).rejects.toThrow('CertificateDeployNotExist')
    expect(REPLACE.OldCertificateId).toBe(OLD_ID)
  })
})
