/** All that happens in the account follows from the clock: how often one looks changes nothing. */
import { expect, test } from 'vitest'
import { startEdge } from '../../src/emulator/edge.ts'
import { seededRandom } from '../fixtures/random.ts'
import { CDN, CLB, NEXT_ID, OLD_ID, openCloud } from './cloud.ts'

const RESOURCES = [
  { ...CDN, fail: { times: 1, message: 'busy' } },
  CLB,
  ...Array.from({ length: 5 }, (_, i) => ({ ...CDN, name: `cdn ${i}` })),
]

/** Where everything stands at each of these seconds after the job began. */
const story = async (seed: number, looks: readonly number[]) => {
  const cloud = await openCloud({ resources: RESOURCES, dice: seededRandom(seed) })
  const edge = await startEdge(cloud)
  const id = await cloud.replace()
  const { TaskId } = await cloud.ask('DeleteCertificate', { CertificateId: OLD_ID, IsCheckResource: true })
  const seen = new Map<number, unknown>()
  let at = 0
  for (const look of looks) {
    cloud.pass(look - at)
    at = look
    seen.set(look, {
      record: { ...(await cloud.record(id)), RequestId: '' },
      deletion: (await cloud.ask('DescribeDeleteCertificatesTaskResult', { TaskIds: [TaskId] }))
        .DeleteTaskResult,
      standing: cloud.resources().map(({ certId }) => certId),
      served: edge.served('a.example.com'),
    })
  }
  await edge.close()
  return seen
}

test.each([1, 2])('many readings and one reading see the same (seed %i)', async seed => {
  const often = await story(
    seed,
    Array.from({ length: 70 }, (_, i) => 2 * (i + 1)),
  )
  for (const look of [16, 40, 76, 118, 140])
    expect((await story(seed, [look])).get(look)).toEqual(often.get(look))
})

test('another seed is another story, and every story ends', async () => {
  const ends = await Promise.all([4, 5, 6].map(async seed => [...(await story(seed, [60, 140])).values()]))
  expect(new Set(ends.map(([middle]) => JSON.stringify(middle))).size).toBe(3)
  for (const [, end] of ends)
    expect(end).toMatchObject({ record: { TotalCount: 7, SuccessTotalCount: 6, FailedTotalCount: 1 } })
})

test('with the real clock, a scaled job is over in moments', async () => {
  const { send, resources } = await openCloud({
    now: Date.now,
    timeScale: 1200,
    resources: [CDN],
    traps: { scanCalls: 0, scanSeconds: 0 },
  })
  const { code } = await send({
    action: 'UpdateCertificateInstance',
    body: { OldCertificateId: OLD_ID, CertificateId: NEXT_ID, ResourceTypes: ['cdn'] },
    timestamp: Math.floor(Date.now() / 1000),
  })
  expect(code).toBe('OK')
  await expect.poll(() => resources()[0]?.certId).toBe(NEXT_ID)
})
