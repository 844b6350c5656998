import { describe, expect, test } from 'vitest'
import { readExtensions } from '../../src/certificate/extensions.ts'
import { element, oid, sequence, set, tagged, utf8 } from '../fixtures/der.ts'
import { newKey } from '../fixtures/keys.ts'
import {
  commonName,
  dns,
  nameOf,
  alternativeNames as names,
  type Parts,
  strange,
} from '../fixtures/strangeCertificate.ts'

const key = newKey()
const read = (parts: Partial<Parts>) => readExtensions(strange({ key, ...parts }))
const alternatives = (...some: readonly Buffer[]) => read({ extensions: [names(...some)] }).alternativeNames
const common = (subject: Buffer) => read({ subject }).commonNames

const ip = (hex: string) => element(0x87, Buffer.from(hex, 'hex'))

describe('alternative names', () => {
  test('of hosts and addresses come in their order, addresses as everybody writes them', () => {
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
