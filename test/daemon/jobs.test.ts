import { cpuUsage } from 'node:process'
import { describe, expect, test } from 'vitest'
import { createJobs, type JobResult, type Jobs } from '../../src/daemon/workQueue.ts'

const ALL = Number.POSITIVE_INFINITY
const LATE = 1e12

const begun = (agenda: Jobs, now: number, most = ALL) => agenda.start(now, most).map(({ id }) => id)

/** A look at 'a' that was due long ago, and ends at once; whether it was the last of its row. */
function look(agenda: Jobs, ending: JobResult, now: number) {
  agenda.enqueue('a', now - 100)
  const [begun] = agenda.start(now, ALL)
  agenda.finish('a', ending, now)
  return begun?.last
}

/** An agenda whose look at 'a' is under way. */
function looking() {
  const agenda = createJobs()
  agenda.enqueue('a', -100)
  expect(begun(agenda, 0)).toEqual(['a'])
  return agenda
}

describe('a nudge', () => {
  test('is one look, however many arrive', () => {
    const agenda = createJobs()
    for (let now = 0; now < 10; now++) agenda.enqueue('a', now)
    expect(begun(agenda, agenda.nextTime() - 1)).toEqual([])
    expect(agenda.nextTime()).toBeLessThanOrEqual(20)
    expect(begun(agenda, agenda.nextTime())).toEqual(['a'])
    agenda.finish('a', 'done', 20)
    expect(begun(agenda, LATE)).toEqual([])
    expect(agenda.nextTime()).toBe(Infinity)
  })

  test('is not put off by those that follow it', () => {
    const agenda = createJobs()
    agenda.enqueue('a', 0)
    const first = agenda.nextTime()
    agenda.enqueue('a', first - 1)
    expect(agenda.nextTime()).toBe(first)
  })

  test('during a look earns one more, and no second look beside it', () => {
    const agenda = looking()
    agenda.enqueue('a', 30)
    agenda.enqueue('a', 31)
    expect(begun(agenda, LATE)).toEqual([])
    expect(agenda.looking()).toBe(1)
    agenda.finish('a', 'done', 40)
    expect(begun(agenda, 40)).toEqual(['a'])
    agenda.finish('a', 'done', 41)
    expect(begun(agenda, LATE)).toEqual([])
  })

  test.each<[string, JobResult]>([
    ['mid-change', 'mid-change'],
    ['to be tried later', { until: 1e9 }],
  ])('during a look that ends %s is not put off', (_, ending) => {
    const agenda = looking()
    agenda.enqueue('a', 0)
    agenda.finish('a', ending, 10)
    expect(begun(agenda, 10)).toEqual(['a'])
  })

  test('comes before a look that was put off', () => {
    const agenda = createJobs()
    look(agenda, { until: 1e9 }, 0)
    expect(agenda.nextTime()).toBe(1e9)
    agenda.enqueue('a', 100)
    expect(agenda.nextTime()).toBeLessThan(200)
  })

  test('that came first is followed first, where not all can be at once', () => {
    const agenda = createJobs()
    for (const [now, id] of ['c', 'a', 'b'].entries()) agenda.enqueue(id, now)
    expect([begun(agenda, LATE, 2), begun(agenda, LATE, 2)]).toEqual([['c', 'a'], ['b']])
  })
})

/** Looks at 'a', always mid-change, whenever it is due; the times of the looks and which was the last of its row. */
function midChange(agenda: Jobs, from: number) {
  const times: number[] = []
  const lasts: boolean[] = []
  for (let now = from; now < Infinity; now = agenda.nextTime()) {
    const [look] = agenda.start(now, ALL)
    if (!look) break
    agenda.finish('a', 'mid-change', now)
    times.push(now - from)
    lasts.push(look.last)
    if (times.length > 20) throw new Error('it is looked at for ever')
  }
  return { pauses: times.slice(1).map((time, i) => time - (times[i] ?? 0)), lasts }
}

describe('a lineage that is mid-change', () => {
  test('is looked at after 250 ms, doubling to 4 s, and once when its files are at rest; the last looks are believed', () => {
    const agenda = createJobs()
    agenda.enqueue('a', -100)
    const { pauses, lasts } = midChange(agenda, 0)
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 61_000])
    expect(lasts).toEqual([false, false, false, false, false, true, true])
    expect(agenda.pending()).toBe(1)
  })

  test('has its row of looks again after a nudge', () => {
    const agenda = createJobs()
    agenda.enqueue('a', -100)
    midChange(agenda, 0)
    agenda.enqueue('a', 20_000)
    expect(midChange(agenda, 20_100).pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 61_000])
  })

  test('is told of once, ten minutes after it began, whatever is looked at meanwhile', () => {
    const agenda = createJobs()
    agenda.enqueue('a', -100)
    midChange(agenda, 0)
    expect(agenda.nextTime()).toBe(600_000)
    agenda.enqueue('a', 300_000)
    midChange(agenda, 300_100)
    expect(agenda.takeStale(599_999)).toEqual([])
    expect(agenda.takeStale(600_000)).toEqual(['a'])
    expect(agenda.takeStale(600_001)).toEqual([])
    agenda.enqueue('a', 700_000)
    midChange(agenda, 700_100)
    expect(agenda.takeStale(LATE)).toEqual([])
    expect(agenda.nextTime()).toBe(Infinity)
  })

  test('is told of again only after it has been whole in between', () => {
    const agenda = createJobs()
    look(agenda, 'mid-change', 0)
    expect(agenda.takeStale(600_000)).toEqual(['a'])
    look(agenda, 'done', 700_000)
    expect(agenda.pending()).toBe(0)
    look(agenda, 'mid-change', 800_000)
    expect(agenda.takeStale(1_399_999)).toEqual([])
    expect(agenda.takeStale(1_400_000)).toEqual(['a'])
  })
})

describe('what is no longer on disk', () => {
  test('is forgotten, with what was to be told of it', () => {
    const agenda = createJobs()
    look(agenda, 'mid-change', 0)
    agenda.enqueue('b', 0)
    agenda.keep(new Set(['b']))
    expect([agenda.pending(), agenda.takeStale(LATE)]).toEqual([0, []])
    expect(begun(agenda, LATE)).toEqual(['b'])
  })

  test('is not brought back by the end of a look that was under way', () => {
    const agenda = looking()
    agenda.keep(new Set())
    agenda.finish('a', 'mid-change', 0)
    expect([agenda.pending(), agenda.nextTime(), agenda.looking()]).toEqual([0, Infinity, 0])
  })

  test('and comes back while it is looked at is not looked at twice at once', () => {
    const agenda = looking()
    agenda.keep(new Set())
    agenda.enqueue('a', 0)
    expect(begun(agenda, LATE)).toEqual([])
    agenda.finish('a', 'done', 10)
    expect(begun(agenda, LATE)).toEqual(['a'])
  })
})

/** What a sweep over so many lineages costs the processor in milliseconds, 64 under way at a time as in `rounds.ts`. */
function costOf(count: number): number {
  const agenda = createJobs()
  const before = cpuUsage()
  for (let i = 0; i < count; i++) agenda.enqueue(`lineage ${i}`, 0)
  const under = [...agenda.start(LATE, 64)]
  for (let look = under.shift(); look; look = under.shift()) {
    agenda.finish(look.id, 'done', LATE)
    agenda.takeStale(LATE)
    under.push(...agenda.start(LATE, 64 - under.length))
    agenda.nextTime()
  }
  const { user, system } = cpuUsage(before)
  return (user + system) / 1_000
}

// a list that is searched at every turn takes half a minute for it
test('ten thousand lineages are kept in order within two seconds of the processor, of which they need a tenth', () => {
  expect(costOf(10_000)).toBeLessThan(2_000)
})
