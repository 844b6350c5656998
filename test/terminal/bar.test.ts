import { expect, test } from 'vitest'
import { bar, progressBar } from '../../src/terminal/text.ts'

test('what is left is empty only when nothing is, and a third of the cells at a third', () => {
  const bars = [1, 0.84, 0.5, 0.34, 1 / 3, 0.01, 0].map(share => bar(share, 6))
  expect(bars).toEqual(['######', '######', '###...', '###...', '##....', '#.....', '......'])
})

test('what is done is full only when everything is', () => {
  expect([0, 0.09, 0.5, 0.999, 1].map(share => progressBar(share, 10))).toEqual([
    '..........',
    '..........',
    '#####.....',
    '#########.',
    '##########',
  ])
})

test('it stays within its cells, whatever the share', () => {
  for (const share of [-1, 2, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])
    expect([bar(share, 6), progressBar(share, 6)].map(({ length }) => length)).toEqual([6, 6])
})
