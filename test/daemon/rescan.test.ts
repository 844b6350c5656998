import { expect, test } from 'vitest'
import type { Source } from '../../src/config/settings.ts'
import { createRescan } from '../../src/daemon/rescan.ts'
import { Fault } from '../../src/errors.ts'
import { RESCAN_RETRY_MS } from '../../src/util/schedule.ts'
import { lineageOf } from '../upload/inMemoryDeps.ts'
import { recordedLog } from './recordedLog.ts'

const certbot = (path: string): Source => ({ kind: 'certbot', path, keys: {} })
const LINEAGE = {
  ...lineageOf('a.example'),
  kind: 'certbot',
  chain: '/etc/le2/live/a.example/fullchain.pem',
} as const
const ID = LINEAGE.id

/** A rescan over one lineage whose files have changed since the last check. */
function openRescan({ sources = [certbot('/etc/le2')], polled = [] as readonly Source[] } = {}) {
  const [missed, enqueued]: [string[], string[]] = [[], []]
  const { log, logged } = recordedLog()
  const disk = { isFull: false }
  let isNotified = false
  let retry: PromiseWithResolvers<void> | undefined
  const rescan = createRescan({
    sources,
    polled: new Set(polled),
    inventory: {
      list: async () => ({ added: [], sources: new Map() }),
      all: () => [LINEAGE],
      count: () => 1,
      get: () => LINEAGE,
      markChecked: async () => LINEAGE,
      markNotified: () => {},
      changedSinceLastCheck: async () => new Map([[ID, 'before']]),
      missed: async changed => (isNotified ? [] : [...changed.keys()]),
    },
    log,
    metrics: () => ({ missedEvent: (source: string) => void missed.push(source) }) as never,
    receipts: {
      prepare: async () => {
        if (disk.isFull) throw new Fault('STATE_DIR_UNUSABLE', 'the disk is full')
      },
    },
    list: async () => {},
    wait: async ms => {
      expect([ms, retry]).toEqual([RESCAN_RETRY_MS, undefined])
      retry = Promise.withResolvers()
      await retry.promise
    },
    enqueue: ids => void enqueued.push(...ids),
    onDeath: () => expect.unreachable(),
  })
  return {
    disk,
    rescan,
    missed,
    enqueued,
    warnings: () => logged.filter(line => !line.startsWith('debug ')),
    notify: () => {
      isNotified = true
    },
    isRetryPending: () => retry !== undefined,
    afterAMinute: () => {
      const due = retry
      retry = undefined
      due?.resolve()
    },
  }
}

test('a change without an event is counted for its source, logged and enqueued', async () => {
  const { rescan, missed, enqueued, warnings } = openRescan({
    sources: [certbot('/etc/le'), certbot('/etc/le2')],
  })
  await rescan('SIGUSR1')
  expect(missed).toEqual(['certbot:/etc/le2'])
  expect(warnings()).toEqual([`warn rescan found a change to ${ID} that the file watcher missed`])
  expect(enqueued).toEqual([ID])
})

test('a change with an event is not missed', async () => {
  const { rescan, missed, enqueued, notify } = openRescan()
  notify()
  await rescan('schedule')
  expect([missed, enqueued]).toEqual([[], [ID]])
})

test('a change in a polled source is not missed: there are no events', async () => {
  const source = certbot('/etc/le2')
  const { rescan, missed, enqueued, warnings } = openRescan({ sources: [source], polled: [source] })
  await rescan('schedule')
  expect([missed, warnings(), enqueued]).toEqual([[], [], [ID]])
})

test('while receipts cannot be written no check starts; the rescan is retried each minute, and logged once', async () => {
  const { rescan, isRetryPending, afterAMinute, disk, missed, enqueued, warnings } = openRescan()
  disk.isFull = true
  for (const why of ['schedule', 'SIGUSR1']) await rescan(why)
  for (let minutes = 0; minutes < 2; minutes++) {
    afterAMinute()
    await expect.poll(isRetryPending).toBe(true)
  }
  expect([missed, enqueued, warnings()]).toEqual([[], [], ['error rescan failed: the disk is full']])
  disk.isFull = false
  afterAMinute()
  await expect.poll(() => enqueued).toEqual([ID])
  expect(isRetryPending()).toBe(false)
})
