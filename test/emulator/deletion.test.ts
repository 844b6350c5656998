/** Deletion, with the check of what uses a certificate and without; and the switch of reminders. */
import { describe, expect, test } from 'vitest'
import type { ResourceInput } from '../../src/emulator/resources.ts'
import type { EmulatorOptions } from '../../src/emulator/server.ts'
import { CDN, CLB, NEXT_ID, OLD_ID, openCloud } from './cloud.ts'

const DELETE = 'DeleteCertificate'
const RESULT = 'DescribeDeleteCertificatesTaskResult'

const open = async (options: EmulatorOptions = {}) => {
  const cloud = await openCloud(options)
  return {
    ...cloud,
    ids: () => cloud.certificates().map(({ id }) => id),
    remove: (CertificateId: string, IsCheckResource?: boolean) =>
      cloud.ask(DELETE, { CertificateId, ...(IsCheckResource !== undefined && { IsCheckResource }) }),
    outcome: async (task: string) =>
      (await cloud.ask(RESULT, { TaskIds: [task] })).DeleteTaskResult[0] ?? { Status: -1, Error: '' },
  }
}

describe('with the check', () => {
  test('a certificate that nothing uses is gone after a while', async () => {
    const { remove, outcome, pass, ids } = await open()
    const { DeleteResult, TaskId } = await remove(NEXT_ID, true)
    expect(DeleteResult).toBe(false)
    expect(await outcome(TaskId)).toMatchObject({ TaskId, CertId: NEXT_ID, Status: 0, Error: '' })
    pass(14)
    expect(ids()).toEqual([OLD_ID, NEXT_ID])
    pass(1)
    expect(ids()).toEqual([OLD_ID])
    expect(await outcome(TaskId)).toMatchObject({ Status: 1 })
    await expect(remove(NEXT_ID, true)).rejects.toThrow('FailedOperation.CertificateNotFound')
  })

  test('one that is bound stays, and the products are named', async () => {
    const { remove, outcome, pass, ids } = await open()
    const { TaskId } = await remove(OLD_ID, true)
    pass(15)
    expect(await outcome(TaskId)).toMatchObject({ Status: 4, Error: 'unbound cloud resources: cdn,clb' })
    expect(ids()).toContain(OLD_ID)
  })

  test('the check is made at the end, and is final', async () => {
    const { remove, outcome, pass, rebind } = await open({ resources: [{ ...CDN, certId: NEXT_ID }] })
    const bound = await remove(OLD_ID, true)
    rebind('cdn/a.example.com', OLD_ID)
    pass(15)
    expect(await outcome(bound.TaskId)).toMatchObject({ Status: 4 })
    const free = await remove(NEXT_ID, true)
    pass(15)
    expect(await outcome(free.TaskId)).toMatchObject({ Status: 1 })
    expect(await outcome(bound.TaskId)).toMatchObject({ Status: 4 })
  })

  test('it does not see what the search does not see', async () => {
    const resources: readonly ResourceInput[] = [
      { ...CDN, certId: NEXT_ID, extCertIds: [OLD_ID] },
      { type: 'lighthouse', instance: 'lhins-1', domains: ['a.example.com'], certId: OLD_ID },
    ]
    const { remove, pass, ids } = await open({ resources })
    await remove(OLD_ID, true)
    pass(15)
    expect(ids()).toEqual([NEXT_ID])
  })

  test.each([
    [{ deletion: 'failed' }, 2],
    [{ deletion: 'timed-out' }, 5],
    [{ role: false }, 3],
  ] as const)('it ends otherwise where the trap says so: %j', async (traps, status) => {
    const { remove, outcome, pass, ids } = await open({ traps })
    const { TaskId } = await remove(NEXT_ID, true)
    pass(15)
    expect(await outcome(TaskId)).toMatchObject({ Status: status, Error: expect.stringMatching(/./) })
    expect(ids()).toContain(NEXT_ID)
  })

  test('the reply may be lost after the task has begun', async () => {
    let cut = true
    const { remove, pass, ids } = await open({ faults: () => (cut ? 'reset-after' : undefined) })
    await expect(remove(NEXT_ID, true)).rejects.toThrow(/socket|ECONNRESET/)
    cut = false
    pass(15)
    expect(ids()).toEqual([OLD_ID])
  })

  test('tasks are asked for as a list of texts, and do not exist on the international site', async () => {
    const { ask } = await open()
    expect(await ask(RESULT, { TaskIds: ['1'] })).toMatchObject({ DeleteTaskResult: [] })
    await expect(ask(RESULT, { TaskIds: '1' })).rejects.toThrow('InvalidParameter')
    const many = Array.from({ length: 101 }, String)
    await expect(ask(RESULT, { TaskIds: many })).rejects.toThrow('InvalidParameter')
    const abroad = await open({ traps: { site: 'international' } })
    await expect(abroad.ask(RESULT, { TaskIds: ['1'] })).rejects.toThrow('InvalidAction')
    await expect(abroad.ask('CheckCertificateExist', {})).rejects.toThrow('InvalidAction')
  })
})

describe('without the check', () => {
  test.each([undefined, false])('a certificate that is in use is deleted at once (%s)', async check => {
    const { remove, ids, resources } = await open()
    expect(await remove(OLD_ID, check)).toMatchObject({ DeleteResult: true, TaskId: null })
    expect(ids()).toEqual([NEXT_ID])
    expect(resources()[0]?.certId).toBe(OLD_ID)
  })

  test('or refused, where the trap says so', async () => {
    const { remove, ids } = await open({ traps: { uncheckedDeletion: 'refused' } })
    await expect(remove(OLD_ID)).rejects.toThrow('FailedOperation.BoundResources')
    await remove(NEXT_ID)
    expect(ids()).toEqual([OLD_ID])
  })
})

describe('reminders', () => {
  const SWITCH = 'ModifyCertificatesExpiringNotificationSwitch'

  test('are switched off and on again', async () => {
    const { ask } = await open({ resources: [CLB] })
    const ignored = async () =>
      (await ask('DescribeCertificates', { CertIds: [OLD_ID, NEXT_ID] })).Certificates.map(
        ({ IsIgnore }) => IsIgnore,
      )
    expect(await ignored()).toEqual([false, false])
    const off = { CertificateIds: [OLD_ID], SwitchStatus: 1 }
    expect(await ask(SWITCH, off)).toMatchObject({ CertificateIds: [OLD_ID] })
    await ask(SWITCH, off)
    expect(await ignored()).toEqual([false, true])
    await ask(SWITCH, { ...off, SwitchStatus: 0 })
    expect(await ignored()).toEqual([false, false])
  })

  test('take fifty known IDs at most, and 0 or 1', async () => {
    const { ask } = await open()
    const many = Array.from({ length: 51 }, () => OLD_ID)
    await expect(ask(SWITCH, { CertificateIds: many, SwitchStatus: 1 })).rejects.toThrow(
      'InvalidParameter.CertificatesNumberExceeded',
    )
    await expect(ask(SWITCH, { CertificateIds: ['nowhere1'], SwitchStatus: 1 })).rejects.toThrow(
      'FailedOperation.CertificateNotFound',
    )
    for (const SwitchStatus of ['1', true, 2])
      await expect(ask(SWITCH, { CertificateIds: [OLD_ID], SwitchStatus })).rejects.toThrow(
        'InvalidParameter',
      )
  })
})
