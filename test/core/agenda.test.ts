import { describe, expect, test } from 'vitest'
import { type Ending, openAgenda } from '../../src/core/agenda.ts'

/** One look at what is due, which ends at once. */
function look(agenda: ReturnType<typeof openAgenda>, ending: Ending, now: number) {
  const last = agenda.begin('a')
  agenda.end('a', ending, now)
  return last
}

describe('a nudge', () => {
  test('is one look, however many arrive', () => {
    const agenda = openAgenda()
    for (let now = 0; now < 10; now++) agenda.nudge('a', now)
    expect(agenda.due(agenda.nextTime() - 1)).toEqual([])
    expect(agenda.nextTime()).toBeLessThanOrEqual(20)
    expect(agenda.due(agenda.nextTime())).toEqual(['a'])
    look(agenda, 'done', 20)
    expect(agenda.due(1e12)).toEqual([])
    expect(agenda.nextTime()).toBe(Infinity)
  })

  test('is not put off by those that follow it', () => {
    const agenda = openAgenda()
    agenda.nudge('a', 0)
    const first = agenda.nextTime()
    agenda.nudge('a', first - 1)
    expect(agenda.nextTime()).toBe(first)
  })

  test('during a look earns one more, and no second look beside it', () => {
    const agenda = openAgenda()
    agenda.nudge('a', 0)
    agenda.begin('a')
    agenda.nudge('a', 30)
    agenda.nudge('a', 31)
    expect(agenda.due(1e12)).toEqual([])
    expect(agenda.looking()).toBe(1)
    agenda.end('a', 'done', 40)
    expect(agenda.due(40)).toEqual(['a'])
    look(agenda, 'done', 41)
    expect(agenda.due(1e12)).toEqual([])
  })

  test.each<[string, Ending]>([
    ['mid-change', 'mid-change'],
    ['to be tried later', { until: 1e9 }],
  ])('during a look that ends %s is not put off', (_, ending) => {
    const agenda = openAgenda()
    agenda.begin('a')
    agenda.nudge('a', 0)
    agenda.end('a', ending, 10)
    expect(agenda.due(10)).toEqual(['a'])
  })

  test('comes before a look that was put off', () => {
    const agenda = openAgenda()
    look(agenda, { until: 1e9 }, 0)
    expect(agenda.nextTime()).toBe(1e9)
    agenda.nudge('a', 100)
    expect(agenda.nextTime()).toBeLessThan(200)
  })
})

/** Looks at 'a', always mid-change, whenever it is due; the times of the looks and which was the last of its row. */
function midChange(agenda: ReturnType<typeof openAgenda>, from: number) {
  const times: number[] = []
  const lasts: boolean[] = []
  for (let now = from; now < Infinity && agenda.due(now).length > 0; now = agenda.nextTime()) {
    times.push(now - from)
    lasts.push(look(agenda, 'mid-change', now))
    if (times.length > 20) throw new Error('it is looked at for ever')
  }
  return { pauses: times.slice(1).map((time, i) => time - (times[i] ?? 0)), lasts }
}

describe('a lineage that is mid-change', () => {
  test('is looked at after 250 ms, doubling to 4 s, and then no more; the last look is believed', () => {
    const agenda = openAgenda()
    agenda.nudge('a', -100)
    const { pauses, lasts } = midChange(agenda, 0)
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000])
    expect(lasts).toEqual([false, false, false, false, false, true])
    expect(agenda.pending()).toEqual(['a'])
  })

  test('has its row of looks again after a nudge', () => {
    const agenda = openAgenda()
    agenda.nudge('a', -100)
    midChange(agenda, 0)
    agenda.nudge('a', 20_000)
    expect(midChange(agenda, 20_100).pauses).toEqual([250, 500, 1_000, 2_000, 4_000])
  })

  test('is told of once, ten minutes after it began, whatever is looked at meanwhile', () => {
    const agenda = openAgenda()
    agenda.nudge('a', -100)
    midChange(agenda, 0)
    expect(agenda.nextTime()).toBe(600_000)
    agenda.nudge('a', 300_000)
    midChange(agenda, 300_100)
    expect(agenda.takeLongPending(599_999)).toEqual([])
    expect(agenda.takeLongPending(600_000)).toEqual(['a'])
    expect(agenda.takeLongPending(600_001)).toEqual([])
    agenda.nudge('a', 700_000)
    midChange(agenda, 700_100)
    expect(agenda.takeLongPending(1e12)).toEqual([])
    expect(agenda.nextTime()).toBe(Infinity)
  })

  test('is told of again only after it has been whole in between', () => {
    const agenda = openAgenda()
    look(agenda, 'mid-change', 0)
    expect(agenda.takeLongPending(600_000)).toEqual(['a'])
    look(agenda, 'done', 700_000)
    expect(agenda.pending()).toEqual([])
    look(agenda, 'mid-change', 800_000)
    expect(agenda.takeLongPending(1_399_999)).toEqual([])
    expect(agenda.takeLongPending(1_400_000)).toEqual(['a'])
  })
})

describe('what is no longer on disk', () => {
  test('is forgotten', () => {
    const agenda = openAgenda()
    agenda.nudge('a', 0)
    agenda.nudge('b', 0)
    agenda.keep(new Set(['b']))
    expect(agenda.due(1e12)).toEqual(['b'])
  })

  test('is not brought back by the end of a look that was under way', () => {
    const agenda = openAgenda()
    agenda.begin('a')
    agenda.keep(new Set())
    agenda.end('a', 'mid-change', 0)
    expect([agenda.pending(), agenda.nextTime(), agenda.looking()]).toEqual([[], Infinity, 0])
  })

  test('and comes back while it is looked at is not looked at twice at once', () => {
    const agenda = openAgenda()
    agenda.begin('a')
    agenda.keep(new Set())
    agenda.nudge('a', 0)
    expect(agenda.due(1e12)).toEqual([])
    agenda.end('a', 'done', 10)
    expect(agenda.due(1e12)).toEqual(['a'])
  })
})
