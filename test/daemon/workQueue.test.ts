import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CheckResult, createWorkQueue } from '../../src/daemon/workQueue.ts'
import { virtualClock } from '../fixtures/virtualClock.ts'

interface Look {
  readonly ms: number
  readonly ending: 'done' | 'mid-change' | 'later'
}

interface Entry {
  readonly what: 'nudge' | 'begin' | 'end' | 'long'
  readonly id: string
  readonly at: number
  readonly last?: boolean
}

const AT_ONCE: Look = { ms: 0, ending: 'done' }
const LATER = 5_000

/** Rounds on virtual time, and a journal of all that happens to them. `next` says how the next look goes. */
function stage(next: (id: string) => Look = () => AT_ONCE) {
  const clock = virtualClock()
  const journal: Entry[] = []
  const note = (what: Entry['what'], id: string, rest: Partial<Entry> = {}) =>
    void journal.push({ what, id, at: clock.now(), ...rest })
  const rounds = createWorkQueue({
    now: clock.now,
    setTimer: (ms, ring) => {
      const off = new AbortController()
      clock.wait(ms, off.signal).then(ring, () => {})
      return () => off.abort()
    },
    onStale: id => note('long', id),
    check: async (id, last): Promise<CheckResult> => {
      note('begin', id, { last })
      const { ms, ending } = next(id)
      if (ms > 0) await clock.wait(ms)
      note('end', id)
      return ending === 'later' ? { afterMs: LATER } : ending
    },
  })
  const nudge = (...ids: readonly string[]) => {
    for (const id of ids) note('nudge', id)
    rounds.enqueue(ids)
  }
  /** Lets time pass until nobody waits for it any more. */
  const rest = () => expect(clock.until(new Promise(() => {}))).rejects.toThrow('nobody waits')
  const times = (what: Entry['what'], id = 'a') =>
    journal.filter(entry => entry.what === what && entry.id === id).map(({ at }) => at)
  return { clock, journal, rounds, nudge, rest, times }
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`)

describe('a nudge', () => {
  test('is followed by a look within a few milliseconds; a burst of them by one', async () => {
    const { nudge, clock, rest, times } = stage()
    for (let i = 0; i < 10; i++) {
      nudge('a')
      clock.advance(1)
    }
    await rest()
    expect(times('begin')).toHaveLength(1)
    expect(times('begin')[0]).toBeLessThanOrEqual(20)
  })

  test('during a look earns exactly one more, which begins when the first has ended', async () => {
    const { nudge, clock, rest, times } = stage(() => ({ ms: 1_000, ending: 'done' }))
    nudge('a')
    await clock.until(clock.wait(500))
    for (let i = 0; i < 3; i++) nudge('a')
    await rest()
    expect(times('begin')).toEqual([15, 1_015])
  })

  test('of one lineage does not wait for the look at another', async () => {
    const { nudge, rest, times } = stage(id => ({ ms: id === 'a' ? 60_000 : 0, ending: 'done' }))
    nudge('a', 'b')
    await rest()
    expect(times('begin', 'b')).toEqual([15])
  })
})

test('at most 256 looks are under way at once, and the others follow', async () => {
  const { nudge, rest, journal } = stage(() => ({ ms: 100, ending: 'done' }))
  nudge(...names(600))
  await rest()
  expect(mostAtOnce(journal)).toBe(256)
  expect(journal.filter(({ what }) => what === 'end')).toHaveLength(600)
})

describe('a lineage that stays mid-change', () => {
  test('is looked at with pauses from 250 ms to 4 s, once after a minute, then no more, and told of once after ten minutes', async () => {
    const { nudge, rest, times, journal, rounds } = stage(() => ({ ms: 0, ending: 'mid-change' }))
    nudge('a')
    await rest()
    const looks = times('begin')
    expect(looks.slice(1).map((at, i) => at - (looks[i] ?? 0))).toEqual([
      250, 500, 1_000, 2_000, 4_000, 61_000,
    ])
    expect(journal.filter(({ last }) => last).map(({ at }) => at)).toEqual(looks.slice(-2))
    expect(times('long')).toEqual([600_015])
    expect(rounds.pending()).toBe(1)

    nudge('a')
    await rest()
    expect(times('begin')).toHaveLength(14)
    expect(times('long')).toHaveLength(1)
  })
})

test('what has to wait is looked at when its time has come, and before where it is nudged', async () => {
  const looks: Look[] = [{ ms: 0, ending: 'later' }, { ms: 0, ending: 'later' }, AT_ONCE]
  const { nudge, rest, times, clock } = stage(() => looks.shift() ?? AT_ONCE)
  nudge('a')
  await clock.until(clock.wait(1_000))
  nudge('a')
  await rest()
  expect(times('begin')).toEqual([15, 1_015, 1_015 + LATER])
})

test('what has left the disk is not looked at, and not twice at once when it comes back', async () => {
  const { nudge, rest, times, rounds, clock } = stage(() => ({ ms: 1_000, ending: 'done' }))
  nudge('a', 'b')
  rounds.retain(new Set(['a']))
  await clock.until(clock.wait(100))
  rounds.retain(new Set())
  nudge('a')
  await rest()
  expect(times('begin', 'b')).toEqual([])
  expect(times('begin')).toEqual([15, 1_015])
})

test('a certificate that is mid-change for ten minutes is reported again only after it was complete in between', async () => {
  const results: Look['ending'][] = ['done']
  const { nudge, rest, times, rounds } = stage(() => ({ ms: 0, ending: results.shift() ?? 'mid-change' }))
  results.unshift(...Array.from({ length: 7 }, () => 'mid-change' as const))
  nudge('a')
  await rest()
  expect([times('long').length, rounds.pending()]).toEqual([1, 1])
  nudge('a')
  await rest()
  expect(rounds.pending()).toBe(0)
  nudge('a')
  await rest()
  expect([times('long').length, rounds.pending()]).toEqual([2, 1])
})

test('a certificate that left the disk is not reported as mid-change, and does not return with the end of its check', async () => {
  const { nudge, rest, times, rounds, clock } = stage(() => ({ ms: 1_000, ending: 'mid-change' }))
  nudge('a')
  await clock.until(clock.wait(100))
  rounds.retain(new Set())
  await rest()
  expect([times('begin'), times('long'), rounds.pending()]).toEqual([[15], [], 0])
})

test('a request during a check that has to wait causes one more at once', async () => {
  const looks: Look[] = [{ ms: 1_000, ending: 'later' }, AT_ONCE]
  const { nudge, rest, times, clock } = stage(() => looks.shift() ?? AT_ONCE)
  nudge('a')
  await clock.until(clock.wait(100))
  nudge('a')
  await rest()
  expect(times('begin')).toEqual([15, 1_015])
})

describe('stop', () => {
  test('begins nothing more and waits for what is under way', async () => {
    const { nudge, rest, times, rounds, clock } = stage(() => ({ ms: 1_000, ending: 'mid-change' }))
    nudge('a')
    await clock.until(clock.wait(100))
    nudge('a', 'b')
    await clock.until(rounds.stop())
    expect(times('end')).toEqual([1_015])
    nudge('c')
    await rest()
    expect([times('begin'), times('begin', 'b'), times('begin', 'c')]).toEqual([[15], [], []])
  })

  test('with nothing under way is over at once and leaves no timer', async () => {
    const { nudge, rounds, rest, journal } = stage()
    nudge('a')
    await rounds.stop()
    await rest()
    expect(journal.filter(({ what }) => what === 'begin')).toEqual([])
  })
})

describe('whatever order nudges, looks and endings come in', () => {
  const lookOf = fc.record({
    ms: fc.nat(3_000),
    ending: fc.constantFrom<Look['ending']>('done', 'done', 'mid-change', 'later'),
  })
  const someNames = fc.oneof(fc.subarray(names(4), { minLength: 1 }), fc.constant(names(90)))
  const script = fc.array(fc.record({ gap: fc.oneof(fc.nat(30), fc.nat(5_000)), ids: someNames }), {
    minLength: 1,
    maxLength: 12,
  })

  test('no nudge is lost, no two looks at one lineage overlap, at most 256 are under way', async () => {
    const property = fc.asyncProperty(script, fc.array(lookOf, { maxLength: 300 }), async (acts, looks) => {
      const left = [...looks]
      const { nudge, clock, rest, journal } = stage(() => left.shift() ?? AT_ONCE)
      for (const { gap, ids } of acts) {
        if (gap > 0) await clock.until(clock.wait(gap))
        nudge(...ids)
      }
      await rest()
      expect(lost(journal)).toEqual([])
      expect(overlapping(journal)).toEqual([])
      expect(mostAtOnce(journal)).toBeLessThanOrEqual(256)
    })
    await fc.assert(property, { numRuns: 60 })
  })
})

/** Nudges after which no look at their lineage begins. */
const lost = (journal: readonly Entry[]) =>
  journal.filter(
    ({ what, id }, i) =>
      what === 'nudge' && !journal.slice(i).some(entry => entry.what === 'begin' && entry.id === id),
  )

/** Looks that begin before the last one at the same lineage has ended. */
function overlapping(journal: readonly Entry[]) {
  const under = new Set<string>()
  return journal.filter(({ what, id }) => {
    const twice = what === 'begin' && under.has(id)
    if (what === 'begin') under.add(id)
    if (what === 'end') under.delete(id)
    return twice
  })
}

function mostAtOnce(journal: readonly Entry[]) {
  let [now, most] = [0, 0]
  for (const { what } of journal) {
    if (what === 'begin') now++
    if (what === 'end') now--
    most = Math.max(most, now)
  }
  return most
}
