import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { identifierOf, integerOf, isTagged, membersOf, octetsOf } from '../../src/certificate/asn1.ts'
import { nameOfDer } from '../../src/certificate/fileForm.ts'
import { readKey } from '../../src/certificate/privateKey.ts'
import { secret } from '../../src/secret.ts'
import {
  inOtherForm,
  integer,
  lengthOf,
  nothing,
  octets,
  oid,
  pem,
  sequence,
  tagged,
} from '../fixtures/der.ts'
import { faultOf } from '../fixtures/samples.ts'

test('the members of a sequence are read with what they hold', () => {
  const bytes = sequence(integer(5), octets(Buffer.of(1, 2)), oid('1.2.840.10045.2.1'), tagged(3, nothing()))
  for (const der of [bytes, inOtherForm(bytes, 'long')]) {
    const [number, string, identifier, third] = membersOf(der)
    expect(integerOf(number)).toBe(5n)
    expect(octetsOf(string)).toEqual(Buffer.of(1, 2))
    expect(identifierOf(identifier)).toBe('1.2.840.10045.2.1')
    expect([isTagged(third, 3), isTagged(third, 0), isTagged(number, 2)]).toEqual([true, false, false])
  }
})

test('octets that are DER themselves are read as octets', () => {
  const inner = sequence(integer(7))
  expect(octetsOf(membersOf(sequence(octets(inner)))[0])).toEqual(inner)
})

test.each([
  ['no bytes', ''],
  ['a tag alone', '30'],
  ['a length that is missing', '3082'],
  ['more bytes in the length than there are', '300500'],
  ['a length of 2^48', '3087ffffffffffffff'],
  ['a length left open', '30800201050000'],
  ['bytes after the sequence', '300302010500'],
  ['an integer', '020105'],
])('%s has no members', (_, hex) => {
  expect(membersOf(Buffer.from(hex, 'hex'))).toEqual([])
})

test('any bytes are read without an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      membersOf(Buffer.from(bytes))
      membersOf(sequence(bytes))
      nameOfDer(sequence(bytes))
    }),
  )
})

describe('hostile nesting and numbers of elements are refused, and do not exhaust the stack', () => {
  function nested(depth: number): Buffer {
    const headers: Buffer[] = []
    let size = 2
    for (let i = 0; i < depth; i++) {
      const header = Buffer.concat([Buffer.of(0x30), lengthOf(size)])
      headers.push(header)
      size += header.length
    }
    return Buffer.concat([...headers.reverse(), nothing()])
  }
  const HOSTILE: ReadonlyArray<readonly [string, Buffer]> = [
    ['150 levels', nested(150)],
    ['200,000 levels', nested(200_000)],
    ['500,000 openings without an end', Buffer.alloc(1_000_000, Buffer.of(0x30, 0x80))],
    ['500,000 elements', sequence(Buffer.alloc(1_000_000, nothing()))],
  ]
  test.each(HOSTILE)('%s', (_, der) => {
    expect(membersOf(der)).toEqual([])
    for (const label of ['PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'])
      expect(faultOf(() => readKey(pem(label, der), 'k.pem', secret('opens'))).code).toBe('KEY_INVALID')
  })

  test.each(['PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'])(
    '3,000 levels within the size of a key, as %s',
    label => {
      const key = pem(
        label,
        sequence(integer(0), sequence(oid('1.2.840.113549.1.1.1')), octets(nested(3_000))),
      )
      expect(faultOf(() => readKey(key, 'k.pem', secret('opens')))).toMatchObject({
        message: 'k.pem: the private key cannot be read',
      })
    },
  )
})
