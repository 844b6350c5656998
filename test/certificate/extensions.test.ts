/** What `@peculiar/x509` reads, and the cases where it and OpenSSL are known to disagree. */
import { X509Certificate } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { readExtensions } from '../../src/certificate/extensions.ts'
import { readCertificate } from '../../src/certificate/x509.ts'
import { pemOf } from '../fixtures/authority.ts'
import { authority, issue } from '../fixtures/certificates.ts'
import {
  element,
  integer,
  lengthOf,
  nothing,
  octets,
  oid,
  sequence,
  set,
  tagged,
  utf8,
} from '../fixtures/der.ts'
import { newKey, pkcs8 } from '../fixtures/keys.ts'
import { ca, derOf, faultOf, proven } from '../fixtures/samples.ts'
import {
  alternativeNames,
  commonName,
  dns,
  extension,
  isAuthority,
  nameOf,
  type Parts,
  strange,
  strangePem,
} from '../fixtures/strangeCertificate.ts'

const key = newKey()
const prove = (parts: Partial<Parts>) => proven(strangePem({ key, ...parts }), pkcs8(key))

test('serial number, key identifiers, key usage and policies are read as they are written', () => {
  const keyId = Buffer.from('0102aabb', 'hex')
  const der = strange({
    key,
    serial: integer(0xabcd1234),
    extensions: [
      extension('2.5.29.14', octets(keyId)),
      extension('2.5.29.35', sequence(element(0x80, Buffer.from('ccdd', 'hex')))),
      extension('2.5.29.15', element(0x03, Buffer.of(5, 0xa0))),
      extension('2.5.29.32', sequence(sequence(oid('2.23.140.1.2.1')))),
    ],
  })
  expect(readExtensions(der)).toMatchObject({
    serial: 'abcd1234',
    keyId: '0102aabb',
    authorityKeyId: 'ccdd',
    keyUsage: ['digitalSignature', 'keyEncipherment'],
    policies: ['2.23.140.1.2.1'],
    unreadable: [],
  })
})

describe('an extension that OpenSSL ignores and @peculiar/x509 cannot read', () => {
  /** One name is of the form EDIPartyName. */
  const ediParty = element(0xa5, tagged(1, utf8('party')))
  test.each([
    ['subjectAltName (2.5.29.17)', alternativeNames(dns('a.example'), element(0x82).subarray(0, 1))],
    ['subjectAltName (2.5.29.17)', alternativeNames(dns('a.example'), ediParty)],
    ['basicConstraints (2.5.29.19)', extension('2.5.29.19', utf8('x'))],
    ['keyUsage (2.5.29.15)', extension('2.5.29.15', sequence())],
    ['certificatePolicies (2.5.29.32)', extension('2.5.29.32', nothing())],
    ['authorityInfoAccess (1.3.6.1.5.5.7.1.1)', extension('1.3.6.1.5.5.7.1.1', integer(1))],
  ])('is an error that names it in a server certificate: %s', (name, broken) => {
    expect(new X509Certificate(strange({ key, extensions: [broken] })).subject).toBe('CN=strange.example')
    const fault = faultOf(() => prove({ extensions: [broken] }))
    expect(fault).toMatchObject({ code: 'CERTIFICATE_INVALID', exit: 65 })
    expect(fault.message).toMatch(`fullchain.pem: the extension ${name} of CN=strange.example cannot be read`)
  })

  test('is a note in an issuer', () => {
    const root = newKey()
    const issuer = strangePem({
      key: root,
      subject: commonName('issuer'),
      issuer: commonName('root'),
      extensions: [isAuthority(), extension('2.5.29.32', nothing())],
    })
    const leaf = strangePem({ key, signer: root, issuer: commonName('issuer') })
    const { notes, flaws } = proven(leaf + issuer, pkcs8(key))
    expect(flaws).toEqual([])
    expect(notes).toEqual([
      'the extension certificatePolicies (2.5.29.32) of the issuer CN=issuer cannot be read',
    ])
  })

  test('is passed over where no class reads it', () => {
    expect(prove({ extensions: [extension('1.3.6.1.4.1.99999.1', Buffer.of(0x30, 5))] }).notes).toHaveLength(
      0,
    )
  })
})

test('a name of an unknown kind beside DNS names does not hide them', () => {
  const other = element(0xa0, oid('1.3.6.1.5.5.7.8.7'), tagged(0, utf8('_xmpp.a.example')))
  expect(prove({ extensions: [alternativeNames(other, dns('a.example'))] }).names).toEqual(['a.example'])
})

test.each([
  ['UTCTime without seconds', 0x17, '2601010000+0000', '2026-01-01T00:00:00.000Z'],
  ['the year 1', 0x18, '00010101000000Z', '0001-01-01T00:00:00.000Z'],
])('dates are those that OpenSSL reads: %s', (_, tag, text, date) => {
  const end = element(0x17, Buffer.from('490101000000Z'))
  const der = strange({ key, validity: [element(tag, Buffer.from(text)), end] })
  expect(readCertificate(der, 'f').notBefore.toISOString()).toBe(date)
})

describe('hostile DER is refused within bounds', () => {
  /** Sequences within sequences. */
  function nested(depth: number): Buffer {
    let der = nothing()
    for (let i = 0; i < depth; i++) der = Buffer.concat([Buffer.of(0x30), lengthOf(der.length), der])
    return der
  }
  test.each([99, 150, 2_000])('names nested %i deep', depth => {
    const fault = faultOf(() => prove({ extensions: [extension('2.5.29.17', nested(depth))] }))
    expect(fault).toMatchObject({ code: 'CERTIFICATE_INVALID' })
  })

  test('a certificate larger than any TLS client accepts is not parsed', () => {
    const fault = faultOf(() => prove({ subject: commonName('x'.repeat(60_000)) }))
    expect(fault.message).toMatch(/: a certificate has 120\d{3} bytes; TLS clients accept at most 102400$/)
  })

  test('a certificate of more elements than any is refused by its structure', () => {
    const many = Array.from({ length: 6_000 }, () => extension('1.2.3', nothing()))
    expect(faultOf(() => prove({ extensions: many })).message).toMatch(
      /fullchain.pem: the structure of CN=strange.example cannot be read$/,
    )
  })
})

describe('issuers', () => {
  test('issuers are read once, server certificates are not remembered', async () => {
    const { leaf, intermediate } = await issue()
    const read = (pem: string) => readCertificate(derOf(pem), 'f')
    expect(read(intermediate)).toBe(read(intermediate))
    expect(read(leaf)).not.toBe(read(leaf))
  })

  test('signatures of issuers are verified once, those of server certificates each time', async () => {
    const pairs = await Promise.all(
      [await authority(), await authority()].flatMap(one => [
        issue({ authority: one }),
        issue({ authority: one }),
      ]),
    )
    const verify = vi.spyOn(X509Certificate.prototype, 'verify')
    const counts = pairs.map(({ chain, root, key }) => {
      verify.mockClear()
      proven(chain + root, key)
      return verify.mock.calls.length
    })
    verify.mockRestore()
    expect(counts).toEqual([3, 1, 3, 1])
  })

  test('are remembered up to 64', async () => {
    const key = newKey()
    const pems = await Promise.all(
      Array.from({ length: 65 }, (_, i) => ca(`${i}`, undefined, key).then(pemOf)),
    )
    const [first] = pems.map(pem => readCertificate(derOf(pem), 'f'))
    expect(readCertificate(derOf(pems[64] ?? ''), 'f').subject).toBe('CN=64')
    expect(readCertificate(derOf(pems[0] ?? ''), 'f')).not.toBe(first)
  })
})

const read = (parts: Partial<Parts>) => readExtensions(strange({ key, ...parts }))
const alternatives = (...some: readonly Buffer[]) =>
  read({ extensions: [alternativeNames(...some)] }).alternativeNames
const common = (subject: Buffer) => read({ subject }).commonNames()

const ip = (hex: string) => element(0x87, Buffer.from(hex, 'hex'))

describe('alternative names', () => {
  test('of hosts and addresses come in their order, addresses in their usual form', () => {
    const some = [
      dns('b.example'),
      ip('c0000201'),
      dns('*.a.example'),
      ip('20010db8000000000000000000000001'),
    ]
    expect(alternatives(...some)).toEqual(['b.example', '192.0.2.1', '*.a.example', '2001:db8::1'])
  })

  test.each([
    'a, DNS:evil.example',
    'a", DNS:evil.example, DNS:"b',
    'a\\", DNS:evil',
    "it's",
    'two\nlines',
    'nul\0.example',
    '\u001b[31m',
    '../../etc/passwd',
    '__proto__',
    ' ',
    'a:b',
    '\\u002c',
  ])('%j is one name and stays what it is', name => {
    expect(alternatives(dns('first'), dns(name), dns('last'))).toEqual(['first', name, 'last'])
  })

  test('bytes that are no ASCII are read one by one', () => {
    expect(alternatives(dns(Buffer.of(0xe9, 0x9b)))).toEqual(['é\u009b'])
  })

  test('of other kinds do not count, whatever is in them', () => {
    const evil = utf8('x, DNS:evil.example')
    const others = [
      element(0x81, Buffer.from('mail@example.com')),
      element(0x86, Buffer.from('http://a/,DNS:evil.example')),
      element(0x88, Buffer.of(0x2a, 3)),
      element(0xa4, commonName('x, DNS:evil.example"')),
      element(0xa0, oid('1.3.6.1.4.1.311.20.2.3'), tagged(0, evil)),
      element(0xa0, oid('1.2.3'), tagged(0, evil)),
    ]
    expect(alternatives(...others, dns('real.example'))).toEqual(['real.example'])
  })

  test('there are none', () => {
    expect(read({}).alternativeNames).toEqual([])
    expect(alternatives()).toEqual([])
  })
})

describe('common names', () => {
  test.each(['a.example', 'a, b', 'a + CN=b', '#"\\<>;=', 'two\nCN=lines', 'nul\0', ' blanks ', '证书', 'é'])(
    '%j is read as it was written',
    text => {
      expect(common(commonName(text))).toEqual([text])
    },
  )

  test('among other attributes, several, and two in one', () => {
    const attribute = (type: string, text: string) => sequence(oid(type), utf8(text))
    const [country, commonly] = ['2.5.4.6', '2.5.4.3']
    expect(common(nameOf([country, utf8('DE')], [commonly, utf8('a')], [commonly, utf8('b')]))).toEqual([
      'a',
      'b',
    ])
    expect(common(sequence(set(attribute(country, 'CN=x'), attribute(commonly, 'a +'))))).toEqual(['a +'])
    expect(common(sequence())).toEqual([])
  })
})
