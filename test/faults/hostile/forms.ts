/** Pairs whose certificates are strange in form: serials, years, extensions, lengths, chains of any length. */
import { Buffer } from 'node:buffer'
import { createPublicKey, randomBytes } from 'node:crypto'
import {
  bits,
  element,
  inOtherForm,
  integer,
  lengthOf,
  nothing,
  oid,
  pem,
  rawInteger,
  sequence,
  tagged,
  time,
} from '../../fixtures/der.ts'
import {
  alternativeNames,
  commonName,
  dns,
  extension,
  isAuthority,
  strange,
  strangePem,
} from '../../fixtures/strangeCertificate.ts'
import { certified, KEY, type StrangePair } from './strangePair.ts'

const INVALID = 'CERTIFICATE_INVALID'
const UNKNOWN = '1.3.6.1.4.1.99999.1'
const years = (from: string, to: string) => [time(from), time(to)] as const

/** From the inside out, each length known before it is written. */
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

const serials = () => [
  certified('a negative serial', { serial: rawInteger(Buffer.of(0x80, 1)) }),
  certified('a serial of 30 bytes', { serial: rawInteger(Buffer.alloc(30, 0x7f)) }),
  certified('a serial of 90 KB', { serial: rawInteger(Buffer.alloc(90_000, 0x7f)) }),
  certified('a serial of 600 KB', { serial: rawInteger(Buffer.alloc(600_000, 0x7f)) }, INVALID),
  certified('serial 0', { serial: integer(0) }),
]

const dates = () => [
  certified('1949 to 1950', { validity: years('1949-12-31T23:59:59Z', '1950-01-01T00:00:00Z') }),
  certified('2049 to 2050', { validity: years('2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z') }),
  certified('to 9999', { validity: years('2026-01-01T00:00:00Z', '9999-12-31T23:59:59Z') }),
  certified('from year 0', { validity: years('0000-01-01T00:00:00Z', '9999-12-31T23:59:59Z') }),
  certified('the end before the beginning', {
    validity: years('2040-01-01T00:00:00Z', '2026-01-01T00:00:00Z'),
  }),
  ...['99999999999999Z', '20260230000000Z', 'never', '', '20260101000000+9999', '2'.repeat(10_000)].map(
    text =>
      certified(
        `a date ${text.slice(0, 20)}`,
        { validity: [time('2026-01-01T00:00:00Z'), element(0x18, Buffer.from(text))] },
        INVALID,
      ),
  ),
]

const extensions = () => [
  certified('an unknown critical extension', { extensions: [extension(UNKNOWN, nothing(), true)] }),
  certified('an extension twice', { extensions: [isAuthority(), isAuthority()] }),
  certified('names twice', { extensions: [alternativeNames(dns('a')), alternativeNames(dns('b'))] }),
  certified('names that are none', { extensions: [extension('2.5.29.17', Buffer.of(0x30, 5, 1))] }, INVALID),
  certified('nesting of 20,000 in an extension', { extensions: [extension(UNKNOWN, nested(20_000))] }),
  certified(
    'nesting of 20,000 among names',
    { extensions: [extension('2.5.29.17', nested(20_000))] },
    INVALID,
  ),
  ...[2_000, 6_000, 30_000].map(count =>
    certified(
      `${count} extensions`,
      { extensions: Array.from({ length: count }, (_, i) => extension(`1.2.3.${i}`, nothing())) },
      count === 2_000 ? 'pair' : INVALID,
    ),
  ),
]

function lengths(): readonly StrangePair[] {
  const der = strange({ key: KEY })
  const withLength = (bytes: string) => Buffer.concat([Buffer.from(bytes, 'hex'), der.subarray(4)])
  const as = (name: string, bytes: Buffer, verdict = INVALID): StrangePair => ({
    ...certified(name, {}, verdict),
    chain: pem('CERTIFICATE', bytes),
  })
  return [
    as('a length left open', inOtherForm(der, 'indefinite')),
    as('a length longer than it need be', inOtherForm(der, 'long')),
    as('2^31 bytes in the length', withLength('30847fffffff')),
    as('2^64 bytes in the length', withLength('3088ffffffffffffffff')),
    as('a length of 126 bytes', withLength(`30fe${'ff'.repeat(126)}`)),
    as('bytes after the end', Buffer.concat([der, Buffer.alloc(1)])),
    as('nothing but openings', Buffer.alloc(700_000, Buffer.of(0x30, 0x80))),
    as('nesting of 20,000', nested(20_000)),
    as('a block of nothing', Buffer.alloc(0)),
    as('random bytes', randomBytes(5_000)),
  ]
}

/** A leaf and authorities of one name, whose signatures each take as long as OpenSSL lets them: an exponent of 3,072 bits. */
function slowTwins(count: number): string {
  const algorithm = sequence(oid('1.2.840.113549.1.1.11'), nothing())
  const validity = sequence(...years('2026-01-01T00:00:00Z', '2049-01-01T00:00:00Z'))
  const name = commonName('twin')
  const odd = () => {
    const bytes = randomBytes(384)
    bytes[0] = (bytes[0] ?? 0) | 0x80
    bytes[383] = (bytes[383] ?? 0) | 1
    return rawInteger(Buffer.concat([Buffer.of(0), bytes]))
  }
  const rsa = () => sequence(sequence(oid('1.2.840.113549.1.1.1'), nothing()), bits(sequence(odd(), odd())))
  const one = (serial: number, key: Buffer) => {
    const version = tagged(0, integer(2))
    const signed = sequence(version, integer(serial), algorithm, name, validity, name, key)
    return pem('CERTIFICATE', sequence(signed, algorithm, bits(Buffer.of(1), randomBytes(383))))
  }
  const own = createPublicKey(KEY).export({ type: 'spki', format: 'der' })
  return [own, ...Array.from({ length: count }, rsa)].map((key, i) => one(i, key)).join('')
}

const MIB = 1 << 20
const filled = (text: string) => text.repeat(Math.floor(MIB / text.length))

function files(): readonly StrangePair[] {
  const leaf = certified('', {}).chain
  const authorities = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      strangePem({ key: KEY, serial: integer(i), extensions: [isAuthority()] }),
    ).join('')
  const of = (name: string, chain: string, verdict: string) => ({ ...certified(name, {}, verdict), chain })
  return [
    of('a chain of 100', authorities(100), 'MULTIPLE_LEAVES'),
    of('a chain of 100 authorities', slowTwins(100), 'UNRELATED_CERTIFICATE'),
    of('31 slow authorities of one name', slowTwins(31), 'UNRELATED_CERTIFICATE'),
    of('the leaf 1,000 times', leaf.repeat(1_000), 'pair'),
    of('1 MiB of certificates', filled(leaf), 'pair'),
    of('1 MiB of openings', filled('-----BEGIN '), INVALID),
    of('1 MiB of begin lines', filled('-----BEGIN CERTIFICATE-----\n'), 'PAIR_INCOMPLETE'),
    of('1 MiB of empty blocks', filled('-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'), INVALID),
    of('1 MiB of dashes', filled('-'), INVALID),
    of('1 MiB of zeros', filled('\0'), INVALID),
    of('1 MiB of blanks', filled(' '), 'PAIR_INCOMPLETE'),
    of('nothing', '', 'PAIR_INCOMPLETE'),
    of('the half of it', leaf.slice(0, leaf.length / 2), 'PAIR_INCOMPLETE'),
  ]
}

export const forms = (): readonly StrangePair[] => [
  ...serials(),
  ...dates(),
  ...extensions(),
  ...lengths(),
  ...files(),
]
