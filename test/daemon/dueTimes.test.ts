import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createDueTimes } from '../../src/daemon/workQueue.ts'

test('the earliest comes first, and of equal times the one that was given first', () => {
  const table = createDueTimes()
  for (const [name, at] of [
    ['late', 9],
    ['b', 5],
    ['a', 5],
    ['early', 1],
  ] as const)
    table.set(name, at)
  expect(table.next()).toBe(1)
  expect(table.take(8)).toEqual(['early', 'b', 'a'])
  expect(table.next()).toBe(9)
  expect(table.take(8)).toEqual([])
})

test('no more are taken than asked for', () => {
  const table = createDueTimes()
  for (const name of ['a', 'b', 'c']) table.set(name, 0)
  expect([table.take(0, 0), table.take(0, 2), table.take(0, 2)]).toEqual([[], ['a', 'b'], ['c']])
})

test('a name has one time: the last it was given; Infinity is none', () => {
  const table = createDueTimes()
  table.set('a', 1)
  table.set('a', 7)
  expect([table.at('a'), table.next(), table.take(6)]).toEqual([7, 7, []])
  table.set('a', Number.POSITIVE_INFINITY)
  expect([table.at('a'), table.next(), table.take(1e12), [...table.names()]]).toEqual([
    Infinity,
    Infinity,
    [],
    [],
  ])
})

const name = fc.constantFrom(...'abcdefghij')
const change = fc.oneof(
  fc.record({ set: name, at: fc.oneof(fc.nat(20), fc.constant(Number.POSITIVE_INFINITY)) }),
  fc.record({ take: fc.nat(20), most: fc.nat(4) }),
)

test('whatever is set and taken, it is as if all names stood sorted on a list', () => {
  const property = fc.property(fc.array(change, { maxLength: 200 }), changes => {
    const table = createDueTimes()
    let list: { readonly name: string; readonly at: number }[] = []
    for (const change of changes) {
      if ('set' in change) {
        table.set(change.set, change.at)
        list = list.filter(one => one.name !== change.set)
        if (change.at < Infinity) list.push({ name: change.set, at: change.at })
        // stable: of equal times the one that was given first stays first
        list.sort((a, b) => a.at - b.at)
      } else {
        const taken = list.filter(({ at }) => at <= change.take).slice(0, change.most)
        list = list.filter(one => !taken.includes(one))
        expect(table.take(change.take, change.most)).toEqual(taken.map(one => one.name))
      }
      expect(table.next()).toBe(list[0]?.at ?? Infinity)
      expect(new Set(table.names())).toEqual(new Set(list.map(one => one.name)))
      for (const one of list) expect(table.at(one.name)).toBe(one.at)
    }
  })
  fc.assert(property, { numRuns: 300 })
})
