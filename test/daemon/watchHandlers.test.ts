import { expect, test } from 'vitest'
import { watchHandlersFor } from '../../src/daemon/sourceWatching.ts'
import type { Lineage } from '../../src/sources/lineage.ts'
import { lineageOf } from '../upload/inMemoryDeps.ts'

const certbot = (name: string): Lineage => ({ ...lineageOf(name), kind: 'certbot', id: `certbot:${name}` })

/** A source whose events have been lost: what is found by comparing is in `changed`, what is new in `fresh`. */
function stage({ listing = 1 } = {}) {
  const known = [certbot('a.example'), certbot('b.example')]
  const heard = new Set<string>()
  const [enqueued, said]: [string[], string[]] = [[], []]
  const changed = new Set<string>()
  const fresh: Lineage[] = []
  const arriving: string[] = []
  let [clock, lists] = [0, 0]
  const inventory = {
    list: async () => ({ added: [], sources: new Map() }),
    all: () => known,
    count: () => known.length,
    get: (id: string) => known.find(one => one.id === id),
    markChecked: async () => undefined,
    markNotified: (id: string) => void heard.add(id),
    changedSinceLastCheck: async (among: readonly Lineage[]) =>
      new Map(among.filter(({ id }) => changed.has(id)).map(({ id }) => [id, 'before'])),
    isStillUnnotified: (id: string) => !heard.has(id),
  }
  const say = (_: unknown, text?: string) => void said.push(`${text}`)
  const ears = watchHandlersFor(
    { kind: 'certbot', path: '/etc/letsencrypt', keys: {} },
    {
      inventory,
      list: async () => {
        lists += 1
        clock += listing
        known.push(...fresh.splice(0))
      },
      enqueue: ids => void enqueued.push(...ids),
      onDeath: error => {
        throw error
      },
      settle: async () => {
        for (const id of arriving) heard.add(id)
      },
      monotonicNow: () => clock,
      log: { debug: say, info: say, warn: say, error: say },
    },
  )
  const later = (ms: number) => {
    clock += ms
  }
  return { ears, changed, fresh, enqueued, said, arriving, later, lists: () => lists }
}

test('what changed and no event told of is looked at and said, and folders are to be watched anew', async () => {
  const { ears, changed, enqueued, said } = stage()
  changed.add('certbot:b.example')
  expect(await ears.compare()).toBe(true)
  expect(enqueued).toEqual(['certbot:b.example'])
  expect(said).toEqual(['comparison found 1 changed without an event (certbot:b.example)'])
})

test('what an event is about to tell of is left to it', async () => {
  const { ears, changed, enqueued, said, arriving } = stage()
  changed.add('certbot:b.example')
  arriving.push('certbot:b.example')
  expect(await ears.compare()).toBe(false)
  expect([enqueued, said]).toEqual([[], []])
})

test('a certificate whose folder nothing told of is found, and its folder is to be watched', async () => {
  const { ears, fresh, later } = stage()
  expect(await ears.compare()).toBe(false)
  fresh.push(certbot('c.example'))
  later(5_000)
  expect(await ears.compare()).toBe(true)
})

test('comparing takes a hundredth of the time, and rests no longer than a minute', async () => {
  const { ears, later, lists } = stage({ listing: 200 })
  await ears.compare()
  later(19_000)
  await ears.compare()
  expect(lists()).toBe(1)
  later(1_000)
  await ears.compare()
  expect(lists()).toBe(2)
  const slow = stage({ listing: 10_000 })
  await slow.ears.compare()
  slow.later(60_000)
  await slow.ears.compare()
  expect(slow.lists()).toBe(2)
})
