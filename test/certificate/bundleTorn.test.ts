/** What a reader may see of a file that is just being written: any beginning of it, and any mix of old and new. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/certificate/bundle.ts'
import { Fault } from '../../src/errors.ts'
import { encrypted, issue, type Pair, sec1 } from '../fixtures/certificates.ts'
import { proven } from '../fixtures/samples.ts'

let pair: Pair
let renewed: Pair
beforeAll(async () => {
  pair = await issue()
  // acme.sh goes on using its key: then the old key fits the new leaf and the new key the old one
  renewed = await issue({ keyPem: pair.key })
})

/** What came of it: the bundle, or the fault; anything else thrown fails the test. */
function outcome(chain: string, key: string, password?: string): Bundle | Fault {
  try {
    return proven(chain, key, password)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

const everyBeginning = (text: string) => Array.from({ length: text.length + 1 }, (_, i) => text.slice(0, i))

describe('a chain cut off at any byte', () => {
  test('is pending, whole, or a leaf alone that is marked as such', () => {
    const seen = { pending: 0, alone: 0, whole: 0 }
    for (const text of everyBeginning(pair.chain)) {
      const result = outcome(text, pair.key)
      if (result instanceof Fault) {
        expect(result).toMatchObject({ code: 'PAIR_INCOMPLETE', retry: 'recheck', exit: 75 })
        seen.pending++
      } else if (result.issuerMissing) {
        expect(result.chainPem).toBe(pair.leaf)
        seen.alone++
      } else {
        expect(result.chainPem).toBe(pair.chain)
        seen.whole++
      }
    }
    // the last newline of a block may be missing
    expect(seen).toEqual({ pending: pair.chain.length + 1 - 4, alone: 2, whole: 2 })
  })

  test('with CR LF and text around too: a leaf alone or the whole chain, or a fault', () => {
    const text = `subject=x\r\n${pair.chain.replaceAll('\n', '\r\n')}the end`
    for (const cut of everyBeginning(text)) {
      const result = outcome(cut, pair.key)
      if (!(result instanceof Fault))
        expect(result.chainPem).toBe(result.issuerMissing ? pair.leaf : pair.chain)
    }
  })

  test('and filled up with zeros, as a power cut leaves it: never another chain', () => {
    for (const cut of everyBeginning(pair.chain).filter((_, i) => i % 5 === 0)) {
      const result = outcome(cut.padEnd(pair.chain.length, '\0'), pair.key)
      if (!(result instanceof Fault))
        expect(result.chainPem).toBe(result.issuerMissing ? pair.leaf : pair.chain)
    }
  })
})

test('a key cut off at any byte is pending or whole', () => {
  for (const key of [sec1(pair.key), encrypted(pair.key, 'opens')]) {
    const results = everyBeginning(key).map(cut => outcome(pair.chain, cut, 'opens'))
    expect(results.slice(0, -2).every(one => one instanceof Fault && one.retry === 'recheck')).toBe(true)
    expect(results.slice(-2).some(one => one instanceof Fault)).toBe(false)
  }
})

test('a chain written over the old one in place is the old one, the new one or a fault', () => {
  const known = [pair.chain, pair.leaf, renewed.chain, renewed.leaf]
  const mixed = everyBeginning(renewed.chain).map(cut => cut + pair.chain.slice(cut.length))
  const seen = new Set<string>()
  // the two may differ in length: the last thing a writer does is to cut off what is left of the old one
  for (const text of [...mixed.filter((_, i) => i % 3 === 0), renewed.chain]) {
    const result = outcome(text, pair.key)
    if (result instanceof Fault) continue
    expect(known).toContain(result.chainPem)
    seen.add(result.chainPem)
  }
  expect(seen).toContain(pair.chain)
  expect(seen).toContain(renewed.chain)
})
