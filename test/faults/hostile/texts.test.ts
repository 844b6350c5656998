/** Texts made to keep a reader busy, as large as each reader is given them. */
import { Buffer } from 'node:buffer'
import { parse as parseIni } from 'ini'
import { expect, test } from 'vitest'
import { parseBundle } from '../../../src/certificate/bundle.ts'
import { readPem } from '../../../src/certificate/pem.ts'
import { isMatch } from '../../../src/config/settings.ts'
import { parseToml } from '../../../src/config/toml.ts'
import { readConfig } from '../../../src/config/validate.ts'
import { parseReceipt } from '../../../src/receipts/shape.ts'
import { withoutKeys } from '../../../src/secret.ts'
import { readReply } from '../../../src/tencent/response.ts'
import { printableText } from '../../../src/terminal/text.ts'
import { LONG, reportRow } from '../run.ts'

const MIB = 1 << 20

const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  PEM: text => readPem(text, 'f'),
  proof: text =>
    parseBundle({ chain: { path: 'f', text }, key: { path: 'f', text, password: undefined } }, new Date()),
  'message without keys': withoutKeys,
  printable: text => printableText(text),
  configuration: text => readConfig(parseToml(text.slice(0, 1 << 15)).value), // a table takes 50 µs
  credentials: text => parseIni(text.slice(0, 1 << 16)),
  reply: text => readReply(200, text),
  receipt: text => parseReceipt(text),
  pattern: text => isMatch(`*${text.slice(0, 40)}*b`, text),
}

const UNITS = [
  '-----BEGIN ',
  '-----BEGIN CERTIFICATE-----\n',
  '-----BEGIN A-----B-----END A-----\n',
  '-----BEGIN PRIVATE KEY-----',
  '-----END CERTIFICATE-----\n',
  '----',
  '-',
  'Proc-Type: 4,',
  'A',
  'a.',
  'a=1\n',
  '[a]\n',
  '[a.b]\n',
  '[[a]]\n',
  'a={b=',
  'a=[',
  '"',
  '"""\n',
  "'",
  '\\',
  '\\"',
  '#',
  ';',
  ' ',
  '\t\n',
  '\r',
  '\0',
  '\u001b[2J',
  '\ud800',
  '{"a":',
  '[',
  '{',
  '}',
  'a{a="',
  'a{a="b"} 1\n',
  '1',
  '_1',
  '*',
  '€',
] as const

/** In one piece, and after the beginnings that lead a reader in. */
const STARTS = ['', 'a = ', 'a = "', '-----BEGIN CERTIFICATE-----\n', 'a{', '{"Response":'] as const

function cost(read: (text: string) => unknown, text: string): number {
  const { user, system } = process.cpuUsage()
  try {
    read(text)
  } catch {
    // what it says is another test's business
  }
  const after = process.cpuUsage()
  return (after.user - user + after.system - system) / 1000
}

const repeated = (start: string, unit: string, size: number) =>
  start + unit.repeat(Math.floor((size - start.length) / unit.length))

test('no reader takes more than its share of time', () => {
  const slow: string[] = []
  let [runs, slowest, where] = [0, 0, '']
  for (const [name, read] of Object.entries(READERS)) {
    for (const unit of UNITS) {
      for (const start of LONG ? STARTS : ['']) {
        const title = `${name}: ${JSON.stringify(start + unit)}`
        // what is steep shows long before it is large
        const sizes = LONG ? [MIB / 16, MIB] : [MIB / 16]
        for (const size of sizes) {
          const ms = cost(read, repeated(start, unit, size))
          runs += 1
          if (ms > slowest) [slowest, where] = [ms, title]
          if (ms > (2_000 * size) / MIB + 300) slow.push(`${title} takes ${ms} ms for ${size} bytes`)
          if (ms > 1_000) break
        }
      }
    }
  }
  expect(slow).toEqual([])
  const how = `pieces repeated, up to 1 MiB; slowest ${Math.round(slowest)} ms (${where})`
  reportRow({ fault: 'texts against readers', how, runs, lost: 0, duplicated: 0, leaked: 0 })
})

test('reading PEM takes as much longer as the text is longer, whatever stands in it', () => {
  const steep: string[] = []
  const least = (text: string) => Math.min(...[1, 2, 3].map(() => cost(READERS.PEM ?? String, text)))
  for (const unit of UNITS) {
    const [quarter, whole] = [least(repeated('', unit, MIB / 4)), least(repeated('', unit, MIB))]
    // a square would be four; what takes less than this is noise
    if (whole > 50 && whole / Math.max(quarter, 5) > 9)
      steep.push(`${JSON.stringify(unit)}: ${quarter}, ${whole} ms`)
  }
  expect(steep).toEqual([])
})

test('a directory of keys is no way to get at every object', () => {
  parseIni('[__proto__]\npolluted=1\n[constructor.prototype]\npolluted=1\n')
  readConfig(parseToml('[__proto__]\npolluted = 1\n[a.constructor.prototype]\npolluted = 1\n').value)
  expect((Buffer.alloc(0) as unknown as { polluted?: unknown }).polluted).toBeUndefined()
  expect(Object.keys(Object.prototype)).toEqual([])
})
