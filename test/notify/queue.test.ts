import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { NOTIFY_EVENTS } from '../../src/config/values.ts'
import { Fault } from '../../src/errors.ts'
import type { Send } from '../../src/notify/program.ts'
import { createNotificationQueue, notYetSent, unsentIn, unsentRows } from '../../src/notify/queue.ts'
import { openState } from '../../src/receipts/database.ts'
import { receiptStoreIn } from '../fixtures/state.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { notification } from './sampleNotification.ts'

const NOW = Date.UTC(2026, 10, 24)
const DAY = 86_400_000
const unreachable = new Fault('NOTIFICATION_FAILED', 'hook.example was not reached')

/** A queue with one channel, in a process of its own. */
function openQueue(
  send: Send,
  dir: string,
  { signal = new AbortController().signal, spare = [] as string[] } = {},
) {
  const unsent: string[] = []
  const notRecorded: string[] = []
  const waits: number[] = []
  const database = (path: string) =>
    openState(
      path,
      () => {},
      () => new Date(NOW),
    )
  const queue = createNotificationQueue({
    channels: [send],
    events: NOTIFY_EVENTS,
    host: 'web1',
    databases: [database(dir), ...spare.map(database)],
    now: () => NOW,
    sleep: async (ms, aborted) => {
      aborted.throwIfAborted()
      waits.push(ms)
    },
    signal,
    onUnsent: ({ message }) => unsent.push(message),
    onNotRecorded: ({ message }) => notRecorded.push(message),
  })
  const deliver = (...keys: readonly string[]) => {
    queue.add(keys.map(key => notification({ key })))
    return queue.deliver()
  }
  return { deliver, unsent, notRecorded, waits }
}

/** A channel that works, and the keys in each message. */
function workingChannel() {
  const sent: string[][] = []
  const send: Send = async ({ notifications }) => void sent.push(notifications.map(({ key }) => key))
  return { send, sent }
}

test('notifications that were added together are one message, and none is sent again after a restart', async () => {
  const { send, sent } = workingChannel()
  const dir = await temporaryDirectory()
  await openQueue(send, dir).deliver('a', 'b')
  await openQueue(send, dir).deliver('a', 'c')
  expect(sent).toEqual([['a', 'b'], ['c']])
})

test('a message is tried three times, reported as unsent, and sent with the next one', async () => {
  let attempts = 0
  const send: Send = async () => {
    attempts += 1
    if (attempts <= 3) throw unreachable
  }
  const { deliver, unsent, waits } = openQueue(send, await temporaryDirectory())
  await deliver('a')
  expect([attempts, waits, unsent]).toEqual([3, [1_000, 5_000], [unreachable.message]])
  await deliver('a')
  expect([attempts, unsent.length]).toEqual([4, 1])
})

test('an unsent notification is sent by the next process, once', async () => {
  const dir = await temporaryDirectory()
  await openQueue(() => Promise.reject(unreachable), dir).deliver('a')
  const { send, sent } = workingChannel()
  for (const key of ['b', 'c']) await openQueue(send, dir).deliver(key)
  expect(sent).toEqual([['b', 'a'], ['c']])
})

test('an aborted delivery ends at once and is not retried', async () => {
  const end = new AbortController()
  const started = Promise.withResolvers<void>()
  const send: Send = (_, signal) => {
    started.resolve()
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  }
  const { deliver, unsent, waits } = openQueue(send, await temporaryDirectory(), { signal: end.signal })
  const delivered = deliver('a')
  await started.promise
  end.abort(new Fault('NOTIFICATION_FAILED', 'given up'))
  await delivered
  expect([waits, unsent]).toEqual([[], ['given up']])
})

test('a damaged database is set aside, and what is sent is recorded in a new one', async () => {
  const dir = await temporaryDirectory()
  await writeFile(join(dir, 'state.db'), '{"a":')
  const { deliver, unsent } = openQueue(workingChannel().send, dir)
  await deliver('a')
  expect(unsent).toEqual([])
  expect((await receiptStoreIn(dir).notifications()).sent).toEqual({ a: '2026-11-24T00:00:00.000Z' })
})

test('what cannot be recorded in the state directory is sent once by each process, or once in all with a spare one', async () => {
  const { send, sent } = workingChannel()
  const dir = join(await temporaryDirectory(), 'not-there')
  const { deliver, unsent, notRecorded } = openQueue(send, dir)
  await deliver('a')
  await deliver('a')
  expect([sent, unsent]).toEqual([[['a']], []])
  expect(notRecorded).toEqual([`the state directory ${dir} cannot be used (ENOENT)`])
  const spare = [await temporaryDirectory()]
  for (let i = 0; i < 2; i++) {
    const next = openQueue(send, dir, { spare })
    await next.deliver('a')
    expect(next.notRecorded).toEqual([])
  }
  expect(sent).toHaveLength(2)
})

test('an unsent notification is kept for a week from when it happened, and a thousand of them at most', () => {
  const first = unsentIn(unsentRows([notification()], NOW), NOW)
  expect(first).toEqual([{ ...notification(), since: '2026-11-24T00:00:00.000Z' }])
  const later = unsentIn(unsentRows(first, NOW + 6 * DAY), NOW + 6 * DAY)
  expect(later).toEqual(first)
  expect(unsentIn(unsentRows(later, NOW + 7 * DAY), NOW + 7 * DAY)).toEqual([])
  const many = Array.from({ length: 1_001 }, (_, i) => notification({ key: `${i}` }))
  expect(unsentIn(unsentRows(many, NOW), NOW)).toHaveLength(1_000)
})

test.each([
  '',
  '{',
  'null',
  '7',
  '[]',
  JSON.stringify({ ...notification(), since: 'yesterday' }),
  JSON.stringify({ ...notification(), since: '2026-11-24T00:00:00.000Z', event: 'other' }),
  JSON.stringify({ ...notification(), since: '2026-11-24T00:00:00.000Z', lineage: 7 }),
])('a damaged row of an unsent notification is ignored: %s', text => {
  expect(unsentIn([{ since: '', notification: text }], NOW)).toEqual([])
})

test.each([
  ['never again', null, NOW - 365 * DAY, false],
  ['not within its interval', DAY, NOW - DAY + 1, false],
  ['after its interval', DAY, NOW - DAY, true],
  ['if the clock was set back by a year', DAY, NOW + 365 * DAY, true],
] as const)('a notification that was sent is sent again %s: %s', (_, again, sentAt, isDue) => {
  const one = notification({ again })
  const sent = { [one.key]: new Date(sentAt).toISOString() }
  expect(notYetSent([one], sent, NOW)).toEqual(isDue ? [one] : [])
})

test('of notifications with one key the first is sent', () => {
  const [first, second] = [notification({ reason: 'first' }), notification({ reason: 'second' })]
  expect(notYetSent([first, second], {}, NOW)).toEqual([first])
})
