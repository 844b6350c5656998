import { expect, test } from 'vitest'
import { statusLine } from '../../src/daemon/daemon.ts'
import { watchHandlersFor } from '../../src/daemon/sourceWatching.ts'
import type { Lineage } from '../../src/sources/lineage.ts'
import { lineageOf } from '../upload/inMemoryDeps.ts'
import { recordedLog } from './recordedLog.ts'

const certbot = (name: string): Lineage => ({ ...lineageOf(name), kind: 'certbot', id: `certbot:${name}` })

/** The handlers of a source without events: a comparison finds the lineages in `changed` and those that `added` brings. */
function openHandlers({ listingMs = 1 } = {}) {
  const known = [certbot('a.example'), certbot('b.example')]
  const [enqueued, changed, notified, added]: [string[], string[], string[], Lineage[]] = [[], [], [], []]
  const { log, logged } = recordedLog()
  let [clock, lists] = [0, 0]
  const handlers = watchHandlersFor(
    { kind: 'certbot', path: '/etc/letsencrypt', keys: {} },
    {
      inventory: {
        list: async () => ({ added: [], sources: new Map() }),
        all: () => known,
        count: () => known.length,
        get: id => known.find(one => one.id === id),
        markChecked: async () => undefined,
        markNotified: () => {},
        changedSinceLastCheck: async () => new Map(changed.map(id => [id, 'before'])),
        missed: async among => [...among.keys()].filter(id => !notified.includes(id)),
      },
      list: async () => {
        lists += 1
        clock += listingMs
        known.push(...added.splice(0))
      },
      enqueue: ids => void enqueued.push(...ids),
      onDeath: () => expect.unreachable(),
      settle: async () => {},
      monotonicNow: () => clock,
      log,
    },
  )
  const advance = (ms: number) => {
    clock += ms
  }
  return { handlers, changed, added, notified, enqueued, logged, advance, lists: () => lists }
}

test('a comparison enqueues and logs a change without an event, and has the folders watched again', async () => {
  const { handlers, changed, enqueued, logged } = openHandlers()
  changed.push('certbot:b.example')
  expect(await handlers.compare()).toBe(true)
  expect(enqueued).toEqual(['certbot:b.example'])
  expect(logged).toEqual(['info comparison found 1 changed without an event (certbot:b.example)'])
})

test('a comparison leaves a change with an event to the event', async () => {
  const { handlers, changed, enqueued, logged, notified } = openHandlers()
  changed.push('certbot:b.example')
  notified.push('certbot:b.example')
  expect(await handlers.compare()).toBe(false)
  expect([enqueued, logged]).toEqual([[], []])
})

test('a comparison finds a new certificate, and has its folder watched', async () => {
  const { handlers, added, advance } = openHandlers()
  expect(await handlers.compare()).toBe(false)
  added.push(certbot('c.example'))
  advance(5_000)
  expect(await handlers.compare()).toBe(true)
})

test.each([
  [200, 19_000, 20_000],
  [10_000, 59_000, 60_000],
])(
  'a comparison that takes %i ms is repeated after 100 times that or a minute: not after %i, but after %i',
  async (listingMs, tooEarly, due) => {
    const { handlers, advance, lists } = openHandlers({ listingMs })
    await handlers.compare()
    advance(tooEarly)
    await handlers.compare()
    expect(lists()).toBe(1)
    advance(due - tooEarly)
    await handlers.compare()
    expect(lists()).toBe(2)
  },
)

// in the local time of the test
const now = new Date(2026, 10, 24, 17, 0).getTime()
const line = (certificates: number, nextRescan: Date | null) =>
  statusLine({ certificates, pending: 1, nextRescan, now })

test('status line: certificates, pending ones and the time of the next rescan', () => {
  expect(line(42, new Date(2026, 10, 24, 18, 17))).toBe('42 certificates, 1 pending, next rescan 18:17')
  expect(line(1, new Date(2026, 10, 25, 4, 17))).toBe('1 certificate, 1 pending, next rescan 04:17')
})

test('status line: a rescan that is more than a day away has its day', () => {
  expect(line(0, new Date(2026, 10, 29, 4, 5))).toBe(
    '0 certificates, 1 pending, next rescan Sun Nov 29 04:05',
  )
})

test('status line: without a next rescan none is named', () => {
  expect(line(2, null)).toBe('2 certificates, 1 pending')
})
