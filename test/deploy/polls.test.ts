/** When the service is asked how far its searches and jobs are, in virtual time. */
import { expect, test } from 'vitest'
import { createPolls } from '../../src/deploy/polls.ts'
import type { Request } from '../../src/deploy/requests.ts'
import { Fault } from '../../src/errors.ts'
import { virtualClock } from '../fixtures/virtualClock.ts'
import { simulateNight } from './night.ts'

/** What a search answers at so many seconds since the beginning. */
type Answer = (taskId: string, seconds: number) => object

const SEARCHING = { Status: 0, BindResourceResult: [] }
const SILENT = { Status: 1, BindResourceResult: [] }
const DONE = {
  Status: 1,
  BindResourceResult: [{ ResourceType: 'cdn', BindResourceRegionResult: [{ Region: '', TotalCount: 1 }] }],
}

function openPolls(answer: Answer) {
  const time = virtualClock()
  const asked: { readonly at: number; readonly taskIds: readonly string[] }[] = []
  const send = async ({ body }: Request) => {
    const taskIds = body.TaskIds as readonly string[]
    const at = time.now() / 1000
    asked.push({ at, taskIds })
    const results = taskIds.map(TaskId => ({ TaskId, ...answer(TaskId, at) }))
    return { requestId: 'r', fields: { SyncTaskBindResourceResult: results } }
  }
  const poll = createPolls({ send, sleep: time.wait, monotonicNow: time.now, random: () => 0.5 })
  const begin = (taskId: string, isCached: boolean) =>
    poll(taskId, { isCached, limit: time.now() + 300_000, dice: 0.5 })
  return { ...time, asked, poll: begin }
}

test('a search is asked for once soon, rarely at first, often when it is about to end, and at once where it only is silent', async () => {
  const { poll, until, asked } = openPolls((_, at) => (at < 40 ? SEARCHING : at < 42 ? SILENT : DONE))
  expect(await until(poll('1', false))).toMatchObject({ status: 'done', isComplete: true })
  expect(asked.map(({ at }) => at)).toEqual([4, 25, 30, 35, 38, 41, 42])
})

test('a search that stays silent is asked for as if it were searching', async () => {
  const { poll, until, asked } = openPolls(() => SILENT)
  expect(await until(poll('1', false))).toBe('late')
  expect(asked.map(({ at }) => at).slice(0, 5)).toEqual([4, 5, 26, 31, 36])
  expect(asked.at(-1)?.at).toBeGreaterThanOrEqual(300)
})

test('an earlier result is asked for after four seconds', async () => {
  const { poll, until, asked } = openPolls(() => DONE)
  await until(poll('1', true))
  expect(asked.map(({ at }) => at)).toEqual([4])
})

test('searches that are due within two seconds share requests, of a hundred each; others do not wait for them', async () => {
  const { poll, until, wait, asked } = openPolls(() => DONE)
  const many = Array.from({ length: 101 }, (_, i) => poll(`${i}`, false))
  const later = async (ms: number, id: string) => {
    await wait(ms)
    return poll(id, false)
  }
  await until(Promise.all([...many, later(1_900, 'soon'), later(10_000, 'later'), poll('7', false)]))
  expect(asked.map(({ at, taskIds }) => [at, taskIds.length])).toEqual([
    [4, 100],
    [4, 2],
    [14, 1],
  ])
})

test('a search that begins while others wait is asked for in its own time', async () => {
  const { poll, until, wait, asked } = openPolls(() => DONE)
  const second = async () => {
    await wait(3_000)
    return poll('2', true)
  }
  await until(Promise.all([poll('1', false), second()]))
  expect(asked.map(({ at, taskIds }) => [at, ...taskIds])).toEqual([
    [4, '1'],
    [7, '2'],
  ])
})

test('where a request fails, all that wait get its fault, and the next search begins anew', async () => {
  let fails = true
  const { poll, until } = openPolls(() => {
    if (fails) throw new Fault('API_FORBIDDEN', 'no')
    return DONE
  })
  const both = Promise.allSettled([poll('1', false), poll('2', false)])
  expect((await until(both)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  fails = false
  expect(await until(poll('1', false))).toMatchObject({ status: 'done' })
})

// what is the service's own: two searches of 40 s, a scan of 8 s, a job of 15 to 120 s; ours is the second round of handshakes
test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'a renewal is verified within 15 s of what the service needs and 30 s between two rounds, seed %i',
  async seed => {
    const { outcomes, taken, ownTime, requests } = await simulateNight({ lineages: 1, seed })
    expect(outcomes.map(({ replacement }) => replacement?.replacement?.state)).toEqual(['verified'])
    expect(taken - ownTime - 30).toBeLessThan(15)
    expect(requests.length).toBeLessThanOrEqual(40)
  },
)
