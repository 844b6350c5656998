import fc from 'fast-check'
import { expect, test } from 'vitest'
import { elementsIn } from '../../src/certificate/der.ts'
import { element, inOtherForm, integer, octets, sequence } from '../fixtures/der.ts'

const seen = (bytes: Buffer) => elementsIn(bytes)?.map(({ tag, content }) => [tag, content.toString('hex')])

test('elements come one after the other, with what they hold', () => {
  expect(seen(Buffer.concat([integer(5), octets(Buffer.of(1, 2)), sequence(integer(7))]))).toEqual([
    [2, '05'],
    [4, '0102'],
    [0x30, '020107'],
  ])
  expect(seen(Buffer.alloc(0))).toEqual([])
})

test('lengths of one byte and of several are read, and those longer than they need be', () => {
  for (const size of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
    const bytes = octets(Buffer.alloc(size, 7))
    expect(elementsIn(bytes)?.[0]?.content.length).toBe(size)
    expect(seen(inOtherForm(bytes, 'long'))).toEqual(seen(bytes))
  }
})

test.each([
  ['a tag alone', '30'],
  ['a length that is not there', '3082'],
  ['a length that is cut', '308201'],
  ['more than there is', '300500'],
  ['2^48 bytes', '0487ffffffffffffff'],
  ['a length of 127 bytes', 'ffff'],
  ['a tag of several bytes', '1f8101'],
  ['a length left open', inOtherForm(sequence(integer(5)), 'indefinite').toString('hex')],
  ['a whole element and half of one', '05000'],
])('%s is nothing', (_, hex) => {
  expect(elementsIn(Buffer.from(hex.padEnd(hex.length + (hex.length % 2), '2'), 'hex'))).toBeUndefined()
})

test('whatever the bytes: none of them is made up or lost', () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map(Buffer.from)
  fc.assert(
    fc.property(bytes, input => {
      const elements = elementsIn(input) ?? []
      for (const { content } of elements) expect(content.buffer).toBe(input.buffer)
    }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 0xfe }), bytes)), pairs => {
      const plain = pairs.filter(([tag]) => (tag & 0x1f) !== 0x1f)
      const written = Buffer.concat(plain.map(([tag, content]) => element(tag, content)))
      expect(seen(written)).toEqual(plain.map(([tag, content]) => [tag, content.toString('hex')]))
    }),
  )
})
