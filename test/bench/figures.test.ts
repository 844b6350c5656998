/** The bench's arithmetic: medians, intervals, lines, and what a process is reported to have used. */
import { expect, test } from 'vitest'
import { exponent, line } from '../../bench/fit.ts'
import { estimate, inTurns, median, quantile, ratio } from '../../bench/pairs.ts'
import { plotted } from '../../bench/plot.ts'
import { used } from '../../bench/process.ts'

const usage = (wall: number) => ({ wall, cpu: wall, memory: wall })

test('a median is the middle, and its interval holds it', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
  const values = Array.from({ length: 25 }, (_, i) => i)
  // binomial(25, 1/2): ranks 8 to 18 of 1 to 25 leave 4.3 % outside
  expect(estimate(values)).toEqual({ value: 12, low: 7, high: 17 })
  expect(estimate([5])).toEqual({ value: 5, low: 5, high: 5 })
  expect([quantile(values, 0.5), quantile(values, 0.99)]).toEqual([12, 24])
})

test('a ratio is that of runs side by side, so that a slow machine is slow for both', () => {
  expect(ratio([usage(2), usage(20), usage(200)], [usage(1), usage(10), usage(100)], 'wall').value).toBe(2)
})

test('all run once a round, and the first round does not count', async () => {
  const order: string[] = []
  const running = (name: string) => async () => {
    order.push(name)
    return usage(order.length)
  }
  const samples = await inTurns(2, { a: running('a'), b: running('b') })
  expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
  expect(samples).toEqual({ a: [usage(3), usage(5)], b: [usage(4), usage(6)] })
})

test('a slope is found through noiseless points, straight and by powers', () => {
  const { slope, start } = line([
    [0, 1],
    [1, 3],
    [2, 5],
  ])
  expect(slope).toBeCloseTo(2)
  expect(start).toBeCloseTo(1)
  const squares = [1, 10, 100].map(x => [x, 7 * x * x] as const)
  expect(exponent([[5, 0], ...squares])).toBeCloseTo(2)
})

test('a plot shows every point and the slope, on either scale', () => {
  const axes = { x: { name: 'lineages', scale: 'log' }, y: { name: 'ms', scale: 'linear' } } as const
  const svg = plotted({
    ...axes,
    title: 'Time',
    points: [
      [1, 0],
      [1_000, 40],
    ],
    slope: '40 µs a lineage',
  })
  expect(svg.match(/<circle/g)).toHaveLength(2)
  expect(svg).toContain('>40 µs a lineage</text>')
  expect(svg).not.toContain('NaN')
  for (const tick of ['1', '10', '100', '1,000', '0', '20', '40']) expect(svg).toContain(`>${tick}</text>`)
})

test('a process is asked what it used: its memory, not that of its parent', async () => {
  const { memory, cpu, wall } = await used(['/bin/true'])
  expect(memory).toBeGreaterThan(0)
  expect(memory).toBeLessThan(20)
  expect(cpu).toBeLessThanOrEqual(wall + 20)
})

test('a process that ends otherwise than it should is an error with its words', async () => {
  await expect(used(['/bin/sh', '-c', 'echo why >&2; exit 3'])).rejects.toThrow('exit 3, not 0\nwhy')
  await expect(used(['/bin/sh', '-c', 'kill -9 $$'])).rejects.toThrow('exit 137')
  await expect(used(['/bin/sh', '-c', 'exit 3'], { exit: 3 })).resolves.toBeDefined()
})
