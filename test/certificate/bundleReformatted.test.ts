/** The fingerprint is that of what is sent: it does not see how the file was written, and sees every byte of the DER. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/certificate/bundle.ts'
import { writePem } from '../../src/certificate/pem.ts'
import { Fault } from '../../src/errors.ts'
import { issue, type Pair } from '../fixtures/certificates.ts'
import { derOf, proven } from '../fixtures/samples.ts'

let pair: Pair
let whole: Bundle
beforeAll(async () => {
  pair = await issue()
  whole = proven(pair.chain, pair.key)
})

/** Text that is no PEM; a dash at its end could be the beginning of a block. */
const prose = fc.string({ unit: 'grapheme', maxLength: 40 }).map(text => text.replaceAll('-', ' '))

interface Coat {
  readonly width: number
  readonly label: string
  readonly before: string
}

const coat: fc.Arbitrary<Coat> = fc.record({
  width: fc.integer({ min: 1, max: 200 }),
  label: fc.constantFrom('CERTIFICATE', 'X509 CERTIFICATE'),
  before: prose,
})

const dressed = (der: Buffer, { width, label, before }: Coat) => {
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
        fc.array(coat, { minLength: 5, maxLength: 5 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.boolean(),
        prose,
        (blocks, coats, lineEnd, mark, after) => {
          const dressing = blocks.map((which, i) => dressed(derOf(pair[which]), coats[i] as Coat))
          const text = (mark ? '\ufeff' : '') + dressing.join('').replaceAll('\n', lineEnd) + after
          const bundle = proven(text, pair.key)
          expect(bundle.chainPem).toBe(whole.chainPem)
          expect(bundle.fingerprint).toBe(whole.fingerprint)
          expect(bundle.leaf).toBe(whole.leaf)
        },
      ),
      { numRuns: 150 },
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
      { numRuns: 200 },
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
