import { expect, test } from 'vitest'
import { isEqual, isReliable, stampOf } from '../../src/sources/fileStamp.ts'

const NOON = 1_800_000_000_000
const at = (ms: number, ns = 1n) => ({ ctimeNs: BigInt(ms) * 1_000_000n + ns })

test('a file is known by its device, its inode, its size and the nanosecond in which it was last changed', () => {
  const standing = { dev: 1n, ino: 2n, size: 3n, ...at(NOON, 4n) }
  const other = [{ dev: 9n }, { ino: 9n }, { size: 9n }, at(NOON, 5n)]
  const marks = [standing, ...other.map(change => ({ ...standing, ...change }))].map(stampOf)
  expect(new Set(marks).size).toBe(5)
})

test.each([
  ['in the same tick of the clock', at(NOON - 19), false],
  ['two ticks ago', at(NOON - 20), true],
  ['a second ago where times are whole seconds', at(NOON - 1_000, 0n), false],
  ['three seconds ago where times are whole seconds', at(NOON - 3_000, 0n), true],
  ['in the future, by a clock that was set back since', at(NOON + 60_000), false],
])('a file that was written %s: its mark tells of every later write: %s', (_, standing, expected) => {
  expect(isReliable(standing, NOON)).toBe(expected)
})

test('marks are the same where chain and key are; where there is none, nothing is', () => {
  const marks = { chain: 'a', key: 'b' }
  expect(isEqual(marks, { ...marks })).toBe(true)
  expect(isEqual({ chain: 'a', key: null }, { chain: 'a', key: null })).toBe(true)
  for (const other of [
    undefined,
    { chain: 'x', key: 'b' },
    { chain: 'a', key: 'x' },
    { chain: 'a', key: null },
  ])
    expect(isEqual(marks, other)).toBe(false)
  expect(isEqual(undefined, undefined)).toBe(false)
})
