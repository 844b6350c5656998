import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../src/upload/outcome.ts'
import { advanced, type Progress, progressLine, progressOf, rateOf } from '../../src/upload/progress.ts'

const START = 1_000_000

/** So many more, one every `every` milliseconds from `from` on. */
function after(
  progress: Progress,
  { count, every, from, outcome = 'uploaded' }: Record<'count' | 'every' | 'from', number> & Partial<Outcome>,
): Progress {
  let next = progress
  for (let i = 1; i <= count; i++) next = advanced(next, { outcome }, from + i * every)
  return next
}

describe('the line', () => {
  test('tells the counts, the rate and the time left', () => {
    const progress = after(progressOf(1000, START), { count: 412, every: 101, from: START })
    expect(progressLine(progress, START + 412 * 101, 79)).toBe(
      '[############..................]  412/1000  uploaded 412  9.9/s  60 s left',
    )
  })

  test('names what failed', () => {
    const begun = after(progressOf(100, START), { count: 30, every: 100, from: START })
    const progress = after(begun, { count: 3, every: 100, from: START + 3_000, outcome: 'failed' })
    expect(progressLine(progress, START + 3_300, 79)).toMatch(
      /^\[#+\.+\] +33\/100 {2}uploaded 30 {2}failed 3 {2}10\.0\/s/,
    )
  })

  test('leaves out what it does not know yet', () => {
    expect(progressLine(progressOf(1000, START), START, 79)).toBe(
      '[..............................]    0/1000',
    )
    const progress = after(progressOf(1000, START), { count: 4, every: 100, from: START })
    expect(progressLine(progress, START + 400, 79)).not.toMatch(/\/s|left/)
  })

  test('keeps its length as the counts grow', () => {
    const width = (done: number) => progressLine({ ...progressOf(1000, START), done }, START, 79).length
    expect(new Set([0, 9, 10, 99, 100, 1000].map(width)).size).toBe(1)
  })

  test('gives up what matters least where columns are few, the counts last', () => {
    const progress = after(progressOf(1000, START), { count: 412, every: 100, from: START })
    const line = (columns: number) => progressLine(progress, START + 41_200, columns)
    expect(line(60)).toBe('[######.........]  412/1000  uploaded 412  10.0/s  59 s left')
    expect(line(45)).toBe(' 412/1000  uploaded 412  10.0/s  59 s left')
    expect(line(30)).toBe(' 412/1000  10.0/s  59 s left')
    expect(line(20)).toBe(' 412/1000  59 s left')
    expect(line(12)).toBe(' 412/1000')
    expect(line(3)).toBe('')
  })

  test('is never longer than the columns, whatever has happened', () => {
    const outcomes = fc.constantFrom<Outcome['outcome']>('uploaded', 'unchanged', 'failed', 'refused')
    fc.assert(
      fc.property(
        fc.array(fc.tuple(outcomes, fc.nat(100_000)), { maxLength: 80 }),
        fc.nat(5000),
        fc.integer({ min: -1, max: 200 }),
        fc.integer({ min: -100_000, max: 10_000_000 }),
        (events, further, columns, wait) => {
          let [progress, now] = [progressOf(events.length + further, START), START]
          for (const [outcome, pause] of events) {
            now += pause
            progress = advanced(progress, { outcome }, now)
          }
          const line = progressLine(progress, now + wait, columns)
          expect(line.length).toBeLessThanOrEqual(Math.max(0, columns))
          expect(line).not.toMatch(/NaN|Infinity|undefined|-/)
        },
      ),
    )
  })
})

describe('the rate', () => {
  test('is that of late: what needed no upload does not flatter it', () => {
    const quick = after(progressOf(1000, START), { count: 600, every: 1, from: START, outcome: 'unchanged' })
    const slow = after(quick, { count: 50, every: 100, from: START + 600 })
    expect(rateOf(slow, START + 5_600)).toBeCloseTo(10)
    expect(progressLine(slow, START + 5_600, 79)).toContain('35 s left')
  })

  test('falls while nothing comes through', () => {
    const progress = after(progressOf(100, START), { count: 50, every: 100, from: START })
    expect(rateOf(progress, START + 5_000)).toBeCloseTo(10)
    expect(rateOf(progress, START + 50_000)).toBeCloseTo(1)
    expect(progressLine(progress, START + 50_000, 79)).toContain('1.0/s  50 s left')
  })

  test('is unknown before the first and within the first second', () => {
    expect(rateOf(progressOf(100, START), START + 60_000)).toBeUndefined()
    expect(
      rateOf(after(progressOf(100, START), { count: 9, every: 100, from: START }), START + 999),
    ).toBeUndefined()
  })
})
