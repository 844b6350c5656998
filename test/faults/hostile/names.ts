/** Pairs with names of every kind: long, foreign, empty, many, or meant for the terminal, the disk and the shell. */
import { Buffer } from 'node:buffer'
import { element, sequence, utf8 } from '../../fixtures/der.ts'
import { alternativeNames, commonName, dns, nameOf } from '../../fixtures/strangeCertificate.ts'
import { certified, type StrangePair } from './strangePair.ts'

/** Each is put into common name, organisation and alternative name. */
export const EVIL = [
  '\u001b[2J\u001b[31mred',
  '\u001b]0;title\u0007',
  '\u009b2J',
  'two\r\nlines',
  'nul\0.example.com',
  '\u202egnp.example',
  'zero\u200bwidth\u2066x\u2069',
  '../../etc/passwd',
  '/etc/shadow',
  '..',
  '__proto__',
  'constructor',
  '{domain}{name}{notAfter}',
  '$& $1 $$',
  "';reboot;'",
  '$(reboot)`reboot`',
  '"} 1\nevil_total{x="',
  'a, DNS:evil.example',
  '%s%n%x',
  '\\u001b[31m',
  '\ud800',
  ' ',
] as const

const address = (hex: string) => element(0x87, Buffer.from(hex, 'hex'))

const many = (count: number, name: (i: number) => string) =>
  alternativeNames(Buffer.concat(Array.from({ length: count }, (_, i) => dns(name(i)))))

export const names = (): readonly StrangePair[] => [
  ...EVIL.map((name, i) =>
    certified(`evil name ${i}`, {
      subject: nameOf(['2.5.4.3', utf8(name)], ['2.5.4.10', utf8(name)]),
      extensions: [alternativeNames(dns(Buffer.from(name)), dns('a.example'))],
    }),
  ),
  ...EVIL.map((name, i) => certified(`evil common name ${i}`, { subject: commonName(name) })),
  certified('1,000 names', { extensions: [many(1_000, i => `host-${i}.example.com`)] }),
  certified('6,000 names', { extensions: [many(6_000, i => `h${i}.ex`)] }),
  certified('50,000 names', { extensions: [many(50_000, i => `h${i}.ex`)] }, 'CERTIFICATE_INVALID'),
  certified('a name of 48 KiB', { subject: commonName('x'.repeat(49_152)) }),
  certified('a name of 45 KB of escapes', { subject: commonName('\u001b'.repeat(45_000)) }),
  certified('an alternative name of 64 KiB', { extensions: [alternativeNames(dns('y'.repeat(65_536)))] }),
  certified('IDN', { extensions: [alternativeNames(dns('xn--fiq228c.example'), dns('证书.example'))] }),
  certified('addresses', {
    extensions: [alternativeNames(address('c0000201'), address('20010db8000000000000000000000001'))],
  }),
  certified('an address of five bytes', { extensions: [alternativeNames(address('c000020101'))] }),
  certified('e-mail alone', { extensions: [alternativeNames(element(0x81, Buffer.from('a@example.com')))] }),
  certified('no name at all', { subject: sequence() }),
  certified('an empty list of names', { subject: sequence(), extensions: [alternativeNames()] }),
  certified('1,000 attributes', {
    subject: sequence(Buffer.concat(Array<Buffer>(1_000).fill(nameOf(['2.5.4.3', utf8('a')]).subarray(2)))),
  }),
  certified('an identifier of 45 KB', {
    subject: sequence(
      element(0x31, sequence(element(6, Buffer.alloc(45_000, 0x81), Buffer.of(1)), utf8('x'))),
    ),
  }),
]
