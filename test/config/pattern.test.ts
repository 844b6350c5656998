import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMatch } from '../../src/config/settings.ts'
import { processorTime } from '../fixtures/processor.ts'

test.each([
  ['example.com', 'example.com', true],
  ['example.com', 'example.community', false],
  ['example.com', 'exampleXcom', false],
  ['*', '', true],
  ['*', 'anything:at/all\n', true],
  ['*.example.com', 'www.example.com', true],
  ['*.example.com', 'example.com', false],
  ['*.example.com_ecc', '*.example.com_ecc', true],
  ['certbot:shop-*', 'certbot:shop-1.example.com', true],
  ['certbot:shop-*', 'acme.sh:shop-1.example.com', false],
  ['shop-?', 'shop-1', true],
  ['shop-?', 'shop-12', false],
  ['shop-?', 'shop-', false],
  ['shop-?', 'shop-店', true],
  ['shop-?', 'shop-🏪', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['a**c', 'abc', true],
  ['*a', 'ba', true],
  ['*ab', 'aab', true],
  ['', '', true],
  ['', 'a', false],
  ['[ab](c)|{d}+^$\\', '[ab](c)|{d}+^$\\', true],
  ['[ab]', 'a', false],
  ['EXAMPLE.com', 'example.com', false],
])('%j over %j: %j', (pattern, name, expected) => {
  expect(isMatch(pattern, name)).toBe(expected)
})

describe('for any pattern and name', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.', '店'), maxLength: 8 })

  test('it says what the regular expression would', () => {
    fc.assert(
      fc.property(word, word, (pattern, name) => {
        const source = pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')
        expect(isMatch(pattern, name)).toBe(new RegExp(`^${source}$`, 'su').test(name))
      }),
      { numRuns: 2_000 },
    )
  })

  test('and says it in a moment, however many asterisks almost fit', () => {
    const spent = processorTime(() => {
      expect(isMatch(`${'*a'.repeat(30)}*b`, 'a'.repeat(255))).toBe(false)
    })
    expect(spent).toBeLessThan(3_000)
  })
})
