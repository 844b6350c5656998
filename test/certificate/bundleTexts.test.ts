/** Chains as readers may find them: half-written, mixed from old and new, reformatted, or changed in a byte. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/certificate/bundle.ts'
import { writePem } from '../../src/certificate/pem.ts'
import { Fault } from '../../src/errors.ts'
import { encrypted, issue, type Pair, sec1 } from '../fixtures/certificates.ts'
import { derOf, proven } from '../fixtures/samples.ts'

let pair: Pair
let renewed: Pair
let whole: Bundle
beforeAll(async () => {
  pair = await issue()
  // acme.sh goes on using its key: then the old key fits the new leaf and the new key the old one
  renewed = await issue({ keyPem: pair.key })
  whole = proven(pair.chain, pair.key)
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
    for (const cut of everyBeginning(text).filter((_, i) => i % 3 === 0)) {
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
  for (const text of [...mixed.filter((_, i) => i % 9 === 0), renewed.chain]) {
    const result = outcome(text, pair.key)
    if (result instanceof Fault) continue
    expect(known).toContain(result.chainPem)
    seen.add(result.chainPem)
  }
  expect(seen).toContain(pair.chain)
  expect(seen).toContain(renewed.chain)
})

/** Text that is no PEM; a dash at its end could be the beginning of a block. */
const prose = fc.string({ unit: 'grapheme', maxLength: 40 }).map(text => text.replaceAll('-', ' '))

interface Form {
  readonly width: number
  readonly label: string
  readonly before: string
}

const form: fc.Arbitrary<Form> = fc.record({
  width: fc.integer({ min: 1, max: 200 }),
  label: fc.constantFrom('CERTIFICATE', 'X509 CERTIFICATE'),
  before: prose,
})

const blockOf = (der: Buffer, { width, label, before }: Form) => {
  const lines = der.toString('base64').match(new RegExp(`.{1,${width}}`, 'g')) ?? []
  return [before, `-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

/** Which certificates stand in the file: leaf and intermediate at least once, the root perhaps, in any order. */
const order = fc
  .tuple(
    fc.array(fc.constantFrom('leaf', 'intermediate', 'root'), { maxLength: 3 }),
    fc.infiniteStream(fc.nat()),
  )
  .map(([more, dice]) =>
    [...(['leaf', 'intermediate', ...more] as const)]
      .map(which => ({ which, at: dice.next().value ?? 0 }))
      .sort((a, b) => a.at - b.at)
      .map(({ which }) => which as 'leaf' | 'intermediate' | 'root'),
  )

describe('reformatting a chain keeps what is sent', () => {
  test('whatever the line width, line ends, order, duplicates, root, marks and text between', () => {
    fc.assert(
      fc.property(
        order,
        fc.array(form, { minLength: 5, maxLength: 5 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.boolean(),
        prose,
        (blocks, forms, lineEnd, mark, after) => {
          const written = blocks.map((which, i) => blockOf(derOf(pair[which]), forms[i] as Form))
          const text = (mark ? '\ufeff' : '') + written.join('').replaceAll('\n', lineEnd) + after
          const bundle = proven(text, pair.key)
          expect(bundle.chainPem).toBe(whole.chainPem)
          expect(bundle.fingerprint).toBe(whole.fingerprint)
          expect(bundle.leaf).toBe(whole.leaf)
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('changing any byte of a certificate changes the fingerprint', () => {
  test.each(['leaf', 'intermediate'] as const)('or is refused: %s', which => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (place, flip) => {
        const der = Buffer.from(derOf(pair[which]))
        const at = place % der.length
        der[at] = (der[at] ?? 0) ^ flip
        const changed = writePem('CERTIFICATE', der)
        const chain = which === 'leaf' ? changed + pair.intermediate : pair.leaf + changed
        expect(fingerprintOf(chain)).not.toBe(whole.fingerprint)
        expect(fingerprintOf(changed)).not.toBe(whole.fingerprint)
      }),
      { numRuns: 100 },
    )
  })

  test('a chain with and without its intermediate are two', () => {
    expect(fingerprintOf(pair.leaf)).not.toBe(whole.fingerprint)
  })
})

function fingerprintOf(chain: string): string {
  try {
    return proven(chain, pair.key).fingerprint
  } catch (error) {
    if (error instanceof Fault) return 'refused'
    throw error
  }
}
