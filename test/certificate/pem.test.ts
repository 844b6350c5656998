import { describe, expect, test } from 'vitest'
import { readPem, writePem } from '../../src/certificate/pem.ts'
import { processorTime } from '../fixtures/processor.ts'
import { faultOf } from '../fixtures/samples.ts'

const block = (label: string, body = 'TUlJ') => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`
const CERTIFICATE = block('CERTIFICATE')
const bodies = (text: string) => readPem(text, 'f').blocks.map(one => one.der().toString())

describe('blocks are found wherever they stand', () => {
  test.each([
    ['alone', CERTIFICATE],
    ['after a byte order mark', `\ufeff${CERTIFICATE}`],
    ['with CR LF', CERTIFICATE.replaceAll('\n', '\r\n')],
    ['with CR alone', CERTIFICATE.replaceAll('\n', '\r')],
    ['with blank lines and blanks', CERTIFICATE.replaceAll('\n', ' \n\n  ')],
    ['on one line', CERTIFICATE.replaceAll('\n', '')],
    ['between text', `subject=CN = a\n${CERTIFICATE}this is the end\n`],
    ['between ruled lines', `----------\n${CERTIFICATE}--------------------`],
    ['before YAML that ends in dashes', `${CERTIFICATE}key: |\n  text\n---\n`],
    ['after a stray end line', `-----END CERTIFICATE-----\n${CERTIFICATE}`],
    ['before a stray end line', `${CERTIFICATE}-----END CERTIFICATE-----\n`],
    ['before a stray end line without a newline', `${CERTIFICATE}-----END DH PARAMETERS-----`],
    ['before bytes that end in a dash', `${CERTIFICATE}\u0001\u00ff-`],
    ['before text that ends in a dash', `${CERTIFICATE}# made by hand -`],
    ['after a comment that speaks of markers', `# from -----BEGIN CERTIFICATE-----\n${CERTIFICATE}`],
    [
      'after a comment that speaks of both markers',
      `# from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----\n${CERTIFICATE}`,
    ],
    [
      'after a line that begins with a marker and goes on',
      `-----BEGIN CERTIFICATE----- comes first:\n${CERTIFICATE}`,
    ],
    ['after a line that begins with half a marker', `-----BEGIN of it\n${CERTIFICATE}`],
    ['after a label with other characters', `${block('X9.42 DH PARAMETERS')}${CERTIFICATE}`],
    ['after a label with a single dash', `${block('a-b_c (d)')}${CERTIFICATE}`],
    ['behind another block, its newline lost', `${block('DH PARAMETERS').trimEnd()}${CERTIFICATE}`],
    ['before junk of zeros', `${CERTIFICATE}\0\0\0\0`],
    ['after a label of another kind', `${block('DH PARAMETERS')}${CERTIFICATE}`],
  ])('%s', (_, text) => {
    const { incomplete, blocks } = readPem(text, 'f')
    expect(incomplete).toBe(false)
    expect(blocks.filter(({ label }) => label === 'CERTIFICATE')).toHaveLength(1)
    expect(bodies(text)).toContain('MII')
  })

  test('a block is handed on as it stood, for keys with headers', () => {
    const key = block('RSA PRIVATE KEY', 'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nTUlJ')
    expect(readPem(`text\n${key}text`, 'f').blocks[0]?.text).toBe(key)
  })
})

describe('a writer that has not finished is noticed', () => {
  test.each([
    ['nothing yet', ''],
    ['blank lines only', '\n \n'],
    ['a byte order mark only', '\ufeff'],
    ['a block that does not end', '-----BEGIN CERTIFICATE-----\nTUlJ'],
    ['an end line cut short', CERTIFICATE.slice(0, -2)],
    ['a begin line cut short', `${CERTIFICATE}-----BEGI`],
    ['dashes that may become a begin line', `${CERTIFICATE}---`],
    ['a cut-off block before a whole one', `-----BEGIN CERTIFICATE-----\nTUlJ\n${CERTIFICATE}`],
    ['a begin line cut short in its label', `${CERTIFICATE}-----BEGIN CERTIFIC`],
    ['a begin line cut short in its last dashes', `${CERTIFICATE}-----BEGIN CERTIFICATE---`],
    ['the same behind a lost newline', `${CERTIFICATE.trimEnd()}-----BEGIN CERTIFICATE---`],
    ['one that is on one line so far', `${CERTIFICATE}-----BEGIN CERTIFICATE-----TUlJ`],
    ['one with a label of other characters', '-----BEGIN X9.42 DH PARAMETERS-----\nTUlJ'],
    ['another end than its beginning', '-----BEGIN CERTIFICATE-----\nTUlJ\n-----END X509 CERTIFICATE-----\n'],
  ])('%s', (_, text) => {
    expect(readPem(text, 'f').incomplete).toBe(true)
  })

  test('a cut-off block does not swallow the whole one after it', () => {
    expect(bodies(`-----BEGIN CERTIFICATE-----\nTUlJ\n${block('CERTIFICATE', 'dHdv')}`)).toEqual(['two'])
  })
})

describe('in a file that has not been written for long', () => {
  test('dashes at the end are text', () => {
    const { incomplete, blocks } = readPem(`${CERTIFICATE}---`, 'f', true)
    expect([incomplete, blocks.length]).toEqual([false, 1])
  })

  test('a block without an end is none', () => {
    expect(readPem(CERTIFICATE.slice(0, -2), 'f', true).incomplete).toBe(true)
  })
})

test.each(['TU*J', '=', 'TUlJ====', '', 'TU=J', 'TUlJ\\n'])('%j is refused as base64', body => {
  const fault = faultOf(() => bodies(block('CERTIFICATE', body)))
  expect(fault.code).toBe('CERTIFICATE_INVALID')
  expect(fault.message).toBe('f: a CERTIFICATE block holds something other than base64')
})

test('what is written has 64 characters a line, no blank line and one newline at the end', () => {
  for (const bytes of [1, 47, 48, 49, 96, 500]) {
    const der = Buffer.alloc(bytes, 7)
    const text = writePem('CERTIFICATE', der)
    const lines = text.split('\n')
    expect(lines.at(-1)).toBe('')
    expect(lines.slice(0, -1).every(line => line.length > 0 && line.length <= 64)).toBe(true)
    expect(readPem(text, 'f').blocks[0]?.der().equals(der)).toBe(true)
  }
})

const MIB = 1 << 20
test.each([
  ['begin lines', '-----BEGIN CERTIFICATE-----\n'.repeat(MIB / 28)],
  ['begin lines without ends', '-----BEGIN '.repeat(MIB / 11)],
  ['a body without an end', `-----BEGIN CERTIFICATE-----\n${'A'.repeat(MIB)}`],
  ['one body', `-----BEGIN A-----${'A'.repeat(MIB)}-----END A-----`],
  ['nearly dashes', `-----BEGIN A-----${'----A'.repeat(MIB / 5)}`],
  ['dashes', '-'.repeat(MIB)],
  ['empty blocks', '-----BEGIN A----------END A-----'.repeat(MIB / 32)],
  ['blanks', ' '.repeat(MIB)],
])('1 MiB of %s is read in a moment', (_, text) => {
  const spent = processorTime(() => {
    readPem(text, 'f')
  })
  expect(spent).toBeLessThan(3_000)
})
