/** One job, followed against a service that answers as it is told. */
import { expect, test, vi } from 'vitest'
import { type JobDeps, runJob, split, withJob } from '../../src/deploy/job.ts'
import { createSurveyor } from '../../src/deploy/survey.ts'
import { Fault } from '../../src/errors.ts'
import type { Job } from '../../src/receipts/replacement.ts'
import type { Reply } from '../../src/tencent/response.ts'
import { detail, record, replyOf } from './replies.ts'

const START = Date.UTC(2026, 5, 15)

const JOB: Job = {
  ...{ from: 'old', to: 'new', types: ['cdn'], regions: {}, askedAt: new Date(START).toISOString() },
  ...{ total: 0, done: 0, failures: [] },
}

type Answer = Reply | Fault | ((sent: number) => Reply | Fault)

const refusal = (apiCode: string) => new Fault('API_REJECTED', `the service answered ${apiCode}`, { apiCode })

/** More requests than this are a loop without an end. */
const TOO_MANY = 2_000

/** Answers each action in turn, the last answer again and again; its clock moves with each pause only. */
function service(answers: Readonly<Record<string, readonly Answer[]>>, startedAt = START) {
  let time = startedAt
  const sent: string[] = []
  const saved: Array<readonly [string, Job]> = []
  const deps: JobDeps = {
    send: async ({ action }) => {
      sent.push(action)
      if (sent.length > TOO_MANY) throw new Error('it asks for ever')
      const n = sent.filter(one => one === action).length - 1
      const all = answers[action] ?? []
      const answer = all[Math.min(n, all.length - 1)]
      const reply = typeof answer === 'function' ? answer(n) : answer
      if (!reply) throw new Error(`no answer to ${action}`)
      if (reply instanceof Fault) throw reply
      return reply
    },
    sleep: async ms => {
      time += ms
    },
    now: () => new Date(time),
    monotonicNow: () => time,
    random: () => 0.5,
    save: async (job, state) => void saved.push([state, job]),
    onCrowded: vi.fn(),
    othersWait: () => false,
  }
  const count = (action: string) => sent.filter(one => one === action).length
  return { deps, sent, saved, count, seconds: () => (time - startedAt) / 1000 }
}

const scanning = replyOf({ DeployRecordId: 0, DeployStatus: 0 })

const named = replyOf({ DeployRecordId: 8_591_698_084, DeployStatus: 0 })

const UPDATE = 'UpdateCertificateInstance'
const DETAIL = 'DescribeHostUpdateRecordDetail'
const RECORDS = 'DescribeHostUpdateRecord'
const RETRY = 'UpdateCertificateRecordRetry'

const records = (CertId: string) =>
  replyOf({ DeployRecordList: [{ Id: 7, OldCertId: 'old', CertId, CreateTime: '2026-06-15 08:00:00' }] })

const PENDING = refusal('FailedOperation.CertificateDeployHasPendingRecord')

test('it is recorded as asked before the first request, and as running with its record', async () => {
  const { deps, saved, sent } = service({
    [UPDATE]: [scanning, scanning, named],
    [DETAIL]: [record([]), record([detail(0)], { running: 0 }), record([detail(1)])],
  })
  const save = deps.save
  const { end, job } = await runJob(JOB, {
    ...deps,
    save: async (...args) => {
      if (args[1] === 'asked' && !sent.length) expect(sent).toEqual([])
      await save(...args)
    },
  })
  expect(end).toBe('ended')
  expect(job).toMatchObject({ recordId: '8591698084', total: 1, done: 1, failures: [] })
  expect(saved.map(([state]) => state)).toEqual([
    'asked',
    'asked',
    'asked',
    'running',
    'running',
    'surveying',
  ])
  expect(saved[0]?.[1].recordId).toBeUndefined()
})

test.each([...['CertificateDeployInstanceEmpty', 'CertificateNotDeployInstance', 'CertificateNotFound']])(
  '%s is neither success nor failure: a survey decides',
  async code => {
    const { deps } = service({ [UPDATE]: [scanning, refusal(`FailedOperation.${code}`)] })
    expect((await runJob(JOB, deps)).end).toBe('nothing-found')
  },
)

test('a search that never ends is left to the next run', async () => {
  const { deps, seconds, count } = service({ [UPDATE]: [scanning] })
  await expect(runJob(JOB, deps)).rejects.toMatchObject({ code: 'REPLACEMENT_RUNNING', exit: 75 })
  expect(seconds()).toBeGreaterThanOrEqual(600)
  expect(count(UPDATE)).toBeLessThan(70)
})

test('0 of 0 is not the end; after two minutes of it a survey decides', async () => {
  const { deps, seconds } = service({ [UPDATE]: [named], [DETAIL]: [record([], { success: 0, failed: 0 })] })
  const { end, job } = await runJob(JOB, deps)
  expect(end).toBe('nothing-found')
  expect(job.done).toBe(0)
  expect(seconds()).toBeGreaterThan(120)
})

test('a list that is shorter than its count is asked for again after a pause, not at once and for ever', async () => {
  const { deps, count } = service({
    [UPDATE]: [named],
    [DETAIL]: [record([detail(1), detail(1)], { total: 3, success: 2, running: 1 })],
  })
  await expect(runJob(JOB, deps)).rejects.toMatchObject({
    code: 'REPLACEMENT_RUNNING',
    message: 'record 8591698084 is still under way at the service (2 of 3)',
  })
  // a poll of two pages each five seconds
  expect(count(DETAIL)).toBeLessThanOrEqual(2 * (900 / 5 + 20))
})

test('a record that never says that it has ended is followed for an hour; then a survey decides', async () => {
  const answers = { [DETAIL]: [record([detail(1), detail(7)], { success: 1 })] }
  const { deps } = service(answers)
  const job = { ...JOB, recordId: '7' }
  await expect(runJob(job, deps)).rejects.toMatchObject({ code: 'REPLACEMENT_RUNNING' })
  const later = service(answers, START + 3_600_000)
  expect((await runJob(job, later.deps)).end).toBe('nothing-found')
})

test('while others wait a record is asked for less often, but not when it is near its end', async () => {
  const asked: number[] = []
  const at = (reply: Reply) => () => {
    asked.push(seconds())
    return reply
  }
  const pending = at(record([detail(0)]))
  const working = at(record([detail(3)], { running: 1 }))
  const answers = [pending, pending, pending, working, at(record([detail(1)]))]
  const { deps, seconds } = service({ [UPDATE]: [named], [DETAIL]: answers })
  const { end } = await runJob(JOB, { ...deps, othersWait: () => seconds() < 50 })
  expect(end).toBe('ended')
  expect(asked).toEqual([25, 41, 57, 66, 70])
})

test('failed resources are retried once', async () => {
  const failed = record([detail(1), detail(2)], { success: 1, failed: 1 })
  const { deps, count, saved } = service({ [UPDATE]: [named], [DETAIL]: [failed], [RETRY]: [replyOf({})] })
  const { end, job } = await runJob(JOB, deps)
  expect(end).toBe('ended')
  expect(job).toMatchObject({ done: 1, retried: true, failures: [{ type: 'cdn' }] })
  expect(count(RETRY)).toBe(1)
  // that it was asked for is recorded first: a crash costs the retry, and never asks for it without end
  expect(saved.find(([, one]) => one.retried)?.[0]).toBe('running')
})

test('a retry that the service refuses by the state of the record changes nothing', async () => {
  const failed = record([detail(2)], { failed: 1 })
  const refused = refusal('FailedOperation.CertificateDeployRetryStatusInvalid')
  const { deps } = service({ [UPDATE]: [named], [DETAIL]: [failed], [RETRY]: [refused] })
  expect((await runJob(JOB, deps)).end).toBe('ended')
})

test('a record that has gone is decided by a survey', async () => {
  const { deps } = service({ [DETAIL]: [refusal('FailedOperation.CertificateDeployNotExist')] })
  expect((await runJob({ ...JOB, recordId: '7' }, deps)).end).toBe('nothing-found')
})

test('where a job is in the way, its record is looked up: our own is followed', async () => {
  const { deps, count } = service({
    [UPDATE]: [PENDING],
    [RECORDS]: [records('new')],
    [DETAIL]: [record([detail(0)]), record([detail(1)])],
  })
  const { end, job } = await runJob(JOB, deps)
  expect(end).toBe('ended')
  expect(job.recordId).toBe('7')
  expect(count(UPDATE)).toBe(1)
})

test('another’s is waited for, and our pair is not asked for meanwhile', async () => {
  const other = { CertId: 'third' }
  const { deps, count, saved } = service({
    [UPDATE]: [PENDING],
    [RECORDS]: [records('third')],
    [DETAIL]: [record([detail(0, other)]), record([detail(3, other)]), record([detail(1, other)])],
  })
  expect((await runJob(JOB, deps)).end).toBe('foreign-ended')
  expect(saved.map(([state]) => state)).toContain('foreign')
  expect(count(UPDATE)).toBe(1)
})

test('where no record of this ID is in the way, the account takes one job at a time', async () => {
  const { deps } = service({
    [UPDATE]: [PENDING, PENDING, named],
    [RECORDS]: [replyOf({ DeployRecordList: null })],
    [DETAIL]: [record([detail(1)])],
  })
  expect((await runJob(JOB, deps)).end).toBe('ended')
  expect(deps.onCrowded).toHaveBeenCalledTimes(2)
})

test('the record of another’s job that the service names is not taken for ours', async () => {
  const other = { CertId: 'third' }
  const { deps } = service({
    [UPDATE]: [named],
    [DETAIL]: [record([detail(0, other)]), record([detail(0, other)]), record([detail(1, other)])],
  })
  const { end, job } = await runJob(JOB, deps)
  expect(end).toBe('foreign-ended')
  expect(job).toMatchObject({ done: 0, total: 0 })
  expect(job.recordId).toBeUndefined()
})

test('of a rollback the pair is the other way round', async () => {
  const { deps } = service({ [DETAIL]: [record([detail(4, { CertId: 'old' })])] })
  const { end, job } = await runJob({ ...JOB, recordId: '7', isRollback: true }, deps)
  expect(end).toBe('ended')
  expect(job).toMatchObject({ done: 1, failures: [] })
})

test('unfinished jobs are never forgotten, of ended ones a few are kept', () => {
  const jobs = Array.from({ length: 30 }, (_, i) => ({
    ...{ ...JOB, from: `old${i}` },
    ...(i % 2 && { endedAt: JOB.askedAt }),
  }))
  const kept = jobs.reduce<readonly Job[]>(withJob, [])
  expect(kept.filter(({ endedAt }) => !endedAt)).toHaveLength(15)
  expect(kept.length).toBeLessThan(27)
  const more = withJob(kept, { ...JOB, from: 'old28', total: 3 })
  expect(more.filter(({ endedAt }) => !endedAt)).toHaveLength(15)
})

test('a job that is too large is split by type and region', () => {
  const large = { ...JOB, types: ['cdn', 'clb'], regions: { clb: ['ap-a', 'ap-b'] } }
  expect(split(large).map(({ types, regions }) => [types, regions])).toEqual([
    ...[
      [['cdn'], {}],
      [['clb'], { clb: ['ap-a'] }],
      [['clb'], { clb: ['ap-b'] }],
    ],
  ])
})

test('a survey whose tasks the service does not know is incomplete after its time, not asked for ever', async () => {
  const { deps, seconds } = service({
    CreateCertificateBindResourceSyncTask: [replyOf({ CertTaskIds: [{ CertId: 'old', TaskId: '1' }] })],
    DescribeCertificateBindResourceTaskResult: [refusal('FailedOperation.CertificateSyncTaskIdInvalid')],
  })
  const survey = await createSurveyor({ ...deps, batchMs: () => 250 })(['old'], {
    isCached: false,
    detail: 'all',
  })
  expect(survey.get('old')).toMatchObject({ isComplete: false, resources: [] })
  expect(seconds()).toBeLessThan(400)
})
