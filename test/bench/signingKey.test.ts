/** The signing key holds for a day (UTC) and a product: it is derived when either is new, not with every request. */
import { expect, test } from 'vitest'
import { derivations } from '../../bench/rows/signature.ts'

test('a thousand requests of one day derive the signing key once', () => {
  expect(derivations(1_000)).toBe(1)
})
