/** The official client sends what ours sends, is understood with it, and gets answers that ours reads. */
import { Agent } from 'node:http'
import { CommonClient } from 'tencentcloud-sdk-nodejs-common'
import { expect, test } from 'vitest'
import { askedOf, deletionsIn, deletionTaskOf, progressOf, recordsIn } from '../../src/deploy/jobReply.ts'
import {
  askToReplace,
  createSurvey,
  deleteUnused,
  findRecords,
  type Request,
  readDeletions,
  readRecord,
  readSurveyDetail,
  readSurveyResults,
  rollBackRecord,
  scopeOf,
  silenceReminders,
} from '../../src/deploy/requests.ts'
import { surveyDetailOf, surveyTasksIn, tasksIn } from '../../src/deploy/surveyReply.ts'
import { DEMO_CREDENTIALS, type EmulatorOptions } from '../../src/emulator/server.ts'
import type { Job } from '../../src/receipts/replacement.ts'
import { openEmulator } from '../emulator/client.ts'
import { CERTIFICATES, NEXT_ID, CDN as OLD_CDN, CLB as OLD_CLB, OLD_ID } from '../emulator/cloud.ts'
import { CDN, CLB, DAY, renewing } from './renewal.ts'

async function openOfficial(options: EmulatorOptions) {
  const emulator = await openEmulator({ now: Date.now, rate: Number.POSITIVE_INFINITY, ...options })
  const { port } = new URL(emulator.url)
  const agent = new Agent({ lookup: (_, __, found) => found(null, [{ address: '127.0.0.1', family: 4 }]) })
  const client = new CommonClient('ssl.tencentcloudapi.com', '2019-12-05', {
    credential: DEMO_CREDENTIALS,
    profile: {
      httpProfile: {
        ...{ protocol: 'http://', endpoint: `ssl.localhost:${port}` },
        agent: Object.assign(agent, { defaultPort: Number(port) }),
      },
    },
  })
  return { emulator, client }
}

/** Every action that certferry sends to put a certificate in place, follow, roll back and retire. */
const ACTIONS = [
  ...['CreateCertificateBindResourceSyncTask', 'DescribeCertificateBindResourceTaskResult'],
  ...['DescribeCertificateBindResourceTaskDetail', 'UpdateCertificateInstance', 'DescribeHostUpdateRecord'],
  ...['DescribeHostUpdateRecordDetail', 'UpdateCertificateRecordRetry', 'UpdateCertificateRecordRollback'],
  ...['ModifyCertificatesExpiringNotificationSwitch', 'DeleteCertificate'],
  'DescribeDeleteCertificatesTaskResult',
]

test('each request of ours, sent by the official client, arrives as the same JSON and is understood', async () => {
  const host = await renewing({
    resources: [CDN, { ...CLB, fail: { times: 1, message: 'busy' } }],
    deploy: { retire: 'delete', grace_days: 1, keep: 0 },
  })
  await host.sync()
  await host.rollBack()
  host.pass(DAY)
  await host.renew()
  await host.sync()
  host.pass(2 * DAY)
  await host.sync()
  const ours = host.emulator.journal.filter(({ action }) => action !== 'UploadCertificate')
  expect([...new Set(ours.map(({ action }) => action))].toSorted()).toEqual(ACTIONS.toSorted())

  const { emulator, client } = await openOfficial({ certificates: CERTIFICATES })
  const refusals = new Set<string>()
  for (const { action, body } of ours)
    await client.request(action, body).catch(({ code }) => refusals.add(code))
  expect(emulator.journal.map(({ action, body }) => ({ action, body }))).toEqual(
    ours.map(({ action, body }) => ({ action, body })),
  )
  // that account has none of the IDs; nothing is wrong with the requests themselves
  expect([...refusals].toSorted()).toEqual([
    'FailedOperation.CertificateDeployNotExist',
    'FailedOperation.CertificateNotFound',
    'FailedOperation.CertificateSyncTaskIdInvalid',
  ])
})

test('the answers that the official client gets are those that ours reads', async () => {
  const { emulator, client } = await openOfficial({
    certificates: CERTIFICATES,
    resources: [OLD_CDN, OLD_CLB],
    traps: {
      ...{ scanCalls: 0, scanSeconds: 0, recordHiddenSeconds: 0, switchFromSeconds: 0, switchToSeconds: 0 },
      ...{ surveyColdSeconds: 0, surveyEmpty: 'never', deletionSeconds: 0 },
    },
  })
  const ask = async ({ action, body }: Request) => {
    const { RequestId, ...fields } = await client.request(action, body)
    return { requestId: RequestId, fields }
  }
  const taskId = tasksIn(await ask(createSurvey([OLD_ID], false))).get(OLD_ID) ?? expect.unreachable()
  const task = surveyTasksIn(await ask(readSurveyResults([taskId]))).get(taskId)
  expect(task).toMatchObject({
    ...{ status: 'done', isComplete: true, problems: [] },
    found: [
      { type: 'clb', region: 'ap-guangzhou', count: 1 },
      { type: 'cdn', region: '', count: 1 },
    ],
  })
  const { resources } = surveyDetailOf(await ask(readSurveyDetail(taskId, 0)), OLD_ID, 0)
  expect(resources.flatMap(({ domains }) => domains).toSorted()).toEqual([
    ...['a.example.com', 'a.example.com', 'x.b.example.com'],
  ])

  const bound = resources.map(one => ({ ...one, certificateId: OLD_ID }))
  const job: Job = {
    ...{ from: OLD_ID, to: NEXT_ID, ...scopeOf(bound, OLD_ID), askedAt: '' },
    ...{ total: 0, done: 0, failures: [] },
  }
  const { recordId = '' } = askedOf(await ask(askToReplace(job)))
  expect(Number(recordId)).toBeGreaterThan(2 ** 32)
  const progress = progressOf([await ask(readRecord(recordId, 0))])
  expect(progress).toMatchObject({ total: 2, done: 2, isEnded: true, failures: [], to: NEXT_ID })
  const [newest] = recordsIn(await ask(findRecords(OLD_ID)), OLD_ID)
  expect(newest).toMatchObject({ recordId, from: OLD_ID, to: NEXT_ID })
  expect(Math.abs((newest?.createdAt ?? 0) - Date.now())).toBeLessThan(600_000)

  const back = askedOf(await ask(rollBackRecord(recordId))).recordId ?? ''
  expect(progressOf([await ask(readRecord(back, 0))], true)).toMatchObject({
    total: 2,
    done: 2,
    isEnded: true,
  })
  for (const { name } of emulator.resources()) emulator.rebind(name, NEXT_ID)
  await ask(silenceReminders([OLD_ID]))
  const deletion = deletionTaskOf(await ask(deleteUnused(OLD_ID))) ?? ''
  expect(deletionsIn(await ask(readDeletions([deletion]))).get(OLD_ID)?.state).toBe('deleted')
})
