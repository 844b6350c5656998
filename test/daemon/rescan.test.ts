import { expect, test } from 'vitest'
import type { Source } from '../../src/config/settings.ts'
import { createRescan, reportMissedChanges } from '../../src/daemon/rescan.ts'
import { Fault } from '../../src/errors.ts'
import { lineageOf } from '../upload/inMemoryDeps.ts'

const certbot = (path: string): Source => ({ kind: 'certbot', path, keys: {} })
const LINEAGE = {
  ...lineageOf('a.example'),
  kind: 'certbot',
  chain: '/etc/le2/live/a.example/fullchain.pem',
} as const
const ID = LINEAGE.id

/** A sweep over one lineage whose files have changed since it was last looked at. */
function stage({ sources = [certbot('/etc/le2')], polled = [] as readonly Source[], unusable = false } = {}) {
  const heard = new Set<string>()
  const [missed, enqueued, said]: [string[], string[], string[]] = [[], [], []]
  const arriving: (() => void)[] = []
  const put: (() => Promise<void>)[] = []
  const disk = { unusable }
  const log = {
    debug: () => {},
    info: () => {},
    error: (_: unknown, text?: string) => void said.push(`${text}`),
    warn: (_: unknown, text?: string) => void said.push(`${text}`),
  }
  const inventory = {
    list: async () => ({ added: [], sources: new Map() }),
    all: () => [LINEAGE],
    count: () => 1,
    get: () => LINEAGE,
    markChecked: async () => LINEAGE,
    markNotified: (id: string) => void heard.add(id),
    changedSinceLastCheck: async () => new Map([[ID, 'before']]),
    isStillUnnotified: (id: string) => !heard.has(id),
  }
  const metrics = { missedEvent: (source: string) => void missed.push(source) }
  const sweep = createRescan({
    inventory,
    log,
    receipts: {
      prepare: async () => {
        if (disk.unusable) throw new Fault('STATE_DIR_UNUSABLE', 'the disk is full')
      },
    },
    list: async () => {},
    settle: async () => {
      for (const arrive of arriving) arrive()
    },
    enqueue: ids => void enqueued.push(...ids),
    later: work => void put.push(work),
    onMissed: reportMissedChanges({
      sources,
      polled: new Set(polled),
      inventory,
      metrics: () => metrics as never,
      log,
    }),
  })
  return { disk, put, sweep, missed, enqueued, said, inventory, arriving }
}

test('a change that no event told of is counted for its source, said, and looked at', async () => {
  const { sweep, missed, enqueued, said } = stage({ sources: [certbot('/etc/le'), certbot('/etc/le2')] })
  await sweep('SIGUSR1')
  expect(missed).toEqual(['certbot:/etc/le2'])
  expect(said).toEqual([`rescan found a change to ${ID} that the file watcher missed`])
  expect(enqueued).toEqual([ID])
})

test.each(['before the sweep', 'in the moment of the sweep'])(
  'a change that an event told of %s is not missed, though nobody has looked yet',
  async when => {
    const { sweep, missed, enqueued, inventory, arriving } = stage()
    if (when === 'before the sweep') inventory.markNotified(ID)
    else arriving.push(() => inventory.markNotified(ID))
    await sweep('schedule')
    expect([missed, enqueued]).toEqual([[], [ID]])
  },
)

test('of a source that is polled nobody expects events', async () => {
  const source = certbot('/etc/le2')
  const { sweep, missed, enqueued, said } = stage({ sources: [source], polled: [source] })
  await sweep('schedule')
  expect([missed, said, enqueued]).toEqual([[], [], [ID]])
})

test('where receipts cannot be written nothing is looked at, and that is said', async () => {
  const { sweep, missed, enqueued, said } = stage({ unusable: true })
  await sweep('schedule')
  expect([missed, enqueued, said]).toEqual([[], [], ['rescan failed: the disk is full']])
})

test('a sweep that could not begin is tried again each minute until it can, and said once', async () => {
  const { sweep, put, disk, enqueued, said } = stage({ unusable: true, polled: [certbot('/etc/le2')] })
  for (const why of ['schedule', 'SIGUSR1']) await sweep(why)
  for (let minutes = 0; minutes < 2; minutes++) {
    expect(put).toHaveLength(1)
    await put.pop()?.()
  }
  expect([enqueued, said]).toEqual([[], ['rescan failed: the disk is full']])
  disk.unusable = false
  await put.pop()?.()
  expect([enqueued, put]).toEqual([[ID], []])
})
