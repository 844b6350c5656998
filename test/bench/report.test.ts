/** The bench's table is whole, its verdicts are what its targets say, and bench/README.md explains every row. No times here. */

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { chosen, GROUPS, ROWS } from '../../bench/catalogue.ts'
import { exponent, line } from '../../bench/fit.ts'
import { estimate, inTurns, median, quantile, ratio } from '../../bench/pairs.ts'
import { plotted } from '../../bench/plot.ts'
import { used } from '../../bench/process.ts'
import { judged, markdown, type Report, written } from '../../bench/report.ts'
import { verdictOf } from '../../bench/verdict.ts'

const DOCUMENT = readFileSync('docs/performance.md', 'utf8')
const row = (id: string) => {
  const [found] = chosen([id])
  if (!found) throw new RangeError(id)
  return found
}

test('every row has its target', () => {
  expect(Object.fromEntries(ROWS.map(({ id, target }) => [id, target]))).toEqual({
    'hook-unchanged-time': '≤ 1.5 ×',
    'hook-unchanged-memory': '≤ 1.25 ×',
    'hook-upload-time': '≤ 3.5 ×',
    'hook-upload-sdk': '< 1 ×',
    'hook-upload-curl': '×',
    'executable-unchanged': 'not slower',
    'executable-upload': 'not slower',
    'package-size': '≤ 31 MB',
    'sync-few': '≤ 1.6 ×',
    'sync-few-memory': '≤ 1.25 ×',
    'sync-unchanged': '< 1 ×',
    'sync-first': '×',
    'proof-time': '≤ 1 ms',
    'proof-memory': '≤ 150 MiB',
    'limit-10': '≥ 98.5 %',
    'limit-200-0': '≥ 98.5 %',
    'limit-200-50': '≥ 98.5 %',
    'limit-200-300': '≥ 98.5 %',
    'limit-throttled': '≤ 0 requests',
    'limit-alone': '≤ 0 requests',
    'limit-shared': '≤ 1.1 ×',
    'limit-shared-throttled': '≤ 0.5 requests',
    'replace-edge': '≤ 15 s',
    'replace-night': '≤ 1.1 ×',
    'replace-requests': '≤ 12 requests',
    'watch-1000-ready': '≤ 0.6 s',
    'watch-1000-idle': '< 0.005 %',
    'watch-1000-memory': '≤ 1.35 ×',
    'watch-10000-ready': '≤ 3 s',
    'watch-10000-idle': '< 0.005 %',
    'watch-10000-memory': '≤ 2 ×',
    'watch-growth': '≤ 1.1 (exponent)',
    'latency-median': '≤ 120 ms',
    'latency-late': '≤ 150 ms',
    'latency-large': '≤ 250 ms',
    'signature-rate': '≥ 1 ×',
    'signature-key': '≤ 1 derivations',
    'growth-lineages': '≤ 25 µs',
    'growth-renewals': 'ms',
  })
  expect(new Set(ROWS.map(({ group }) => group))).toEqual(new Set(GROUPS))
})

test('the document says of every row what it compares', () => {
  const explained = readFileSync('bench/README.md', 'utf8')
  for (const { id } of ROWS) expect(explained).toContain(`\`${id}\``)
})

test('the document has one place for what was measured', () => {
  const once = written(DOCUMENT, 'the table')
  expect(once).toContain('begin -->\n\nthe table\n\n<!--')
  expect(written(once, 'the table')).toBe(once)
  expect(() => written('no marks', 'the table')).toThrow('has no place')
})

describe('a verdict', () => {
  const verdict = (id: string, value: number, low = value) =>
    verdictOf(row(id), { id, value, low, high: value, says: '' })

  test.each([
    ['hook-unchanged-time', 1.5, 1.51],
    ['hook-upload-sdk', 0.99, 1],
    ['limit-200-50', 98.5, 98.4],
    ['limit-throttled', 0, 1],
  ])('of %s turns between %d and %d', (id, good, bad) => {
    expect([verdict(id, good), verdict(id, bad)]).toEqual(['met', 'short'])
  })

  test('of one that must not be slower allows for noise', () => {
    expect([verdict('executable-upload', 1.05, 0.98), verdict('executable-upload', 1.05, 1.01)]).toEqual([
      'met',
      'short',
    ])
  })

  test('is not given without a figure or without a target', () => {
    expect(verdictOf(row('latency-late'), undefined)).toBe('not measured')
    expect(verdict('latency-late', Number.NaN)).toBe('not measured')
    expect(verdict('growth-renewals', 3)).toBe('shown')
  })
})

test('the table has a line for every row, measured or not, and says why not', () => {
  const [first, ...others] = ROWS
  if (!first) throw new RangeError('no rows')
  const figure = { id: first.id, value: 1.234, low: 1.1, high: 1.3, says: '38 against 25 ms' }
  const report: Report = {
    date: '2026-03-01',
    commit: 'abc1234',
    seconds: 480,
    quick: false,
    machine: {
      processor: 'Any',
      cores: 2,
      memoryGiB: 4,
      system: 'Debian',
      kernel: '6.1',
      node: '24.21.0',
      fileSystem: 'ext2/ext3',
      sync: 1,
      load: 0,
    },
    rows: [judged(first, figure), ...others.map(one => judged(one, undefined, 'Error: no perl'))],
    plots: ['watch-memory'],
  }
  const text = markdown(report)
  expect(text).toContain('| 1.23 × (1.10 to 1.30) | ≤ 1.5 × | met | 38 against 25 ms |')
  expect(text.match(/^\| .* \| not measured \| Error: no perl \|$/gm)).toHaveLength(others.length)
  expect(text).toContain('Any, 2 cores, 4 GiB')
  expect(text).toContain('](performance/watch-memory.svg)')
})

test('rows are chosen by the beginning of their names, and a wrong name is reported', () => {
  expect(chosen(['limit-200']).map(({ id }) => id)).toEqual(['limit-200-0', 'limit-200-50', 'limit-200-300'])
  expect(chosen([])).toBe(ROWS)
  expect(() => chosen(['lmit'])).toThrow('no row "lmit"')
})

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
