/** Texts of every kind that certferry reads beside certificates, whole, for dice to change. */
import { readFileSync } from 'node:fs'
import { receiptWith, upload } from '../../fixtures/samples.ts'
import { oldFileText } from '../../fixtures/state.ts'
import { below, type Dice, oneOf, withBytesChanged, withLinesChanged } from './mutator.ts'

const example = readFileSync(new URL('../../../config/certferry.example.toml', import.meta.url), 'utf8')

export const CONFIGURATIONS = [
  example,
  // its defaults stand behind marks of comment
  example.replace(/^# ?(?=[a-z_[])/gm, ''),
  '[[source]]\nkind = "pem"\nname = "a"\nchain = "c.pem"\nkey = "k.pem"\n[upload.tags]\nteam = "web"\n',
  '[tencent]\nendpoint = "https://ssl.tencentcloudapi.com"\nrate_per_second = 2.5\n[log]\nlevel = "debug"\n',
]

const AT = '2026-03-01T00:00:00.000Z'
const HEX = 'f'.repeat(64)

export const RECEIPTS = [
  receiptWith(),
  receiptWith({ uploaded: undefined }),
  receiptWith({
    superseded: [upload(), upload()].map(one => ({ ...one, supersededAt: AT })),
    rejected: {
      fingerprint: HEX,
      settings: 's',
      endpoint: 'e',
      apiCode: 'FailedOperation',
      message: 'm',
      at: AT,
    },
    failing: { fingerprint: HEX, since: AT, failures: 3, nextAttemptAt: AT, code: 'NETWORK', message: 'm' },
  }),
].map(oldFileText)

const response = (fields: object) => JSON.stringify({ Response: { RequestId: 'r-1', ...fields } })

export const REPLIES = [
  response({ CertificateId: 'a92b1Z1i', RepeatCertId: '' }),
  response({ CertificateId: null, RepeatCertId: 'a92b1Z1i' }),
  response({ Error: { Code: 'FailedOperation.CertificateExists', Message: 'it exists' } }),
  response({ Error: { Code: 'RequestLimitExceeded', Message: '-----BEGIN PRIVATE KEY-----' } }),
  '<html><body>502 Bad Gateway</body></html>',
  '',
]

export const SECRET_KEY = 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE'

export const CREDENTIALS = [
  `[default]\nsecret_id = AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE\nsecret_key = ${SECRET_KEY}\n`,
  `\ufeff; comment\r\n[default]\r\nsecret_id=a\r\nsecret_key="${SECRET_KEY}"\r\ntoken=t\r\n[ops.east]\r\nsecret_id=b\r\n`,
  `secret_id = a\nsecret_key = ${SECRET_KEY}\n[__proto__]\nsecret_id = polluted\nsecret_key = polluted\n`,
]

const WORDS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '\u001b[2J',
  '\u009b31m',
  '\u202e',
  '\0',
  '\ufeff',
  '\ud800',
  'null',
  'true',
  '1e999',
  '-1',
  '9'.repeat(400),
  '9999-12-31T23:59:60Z',
  '2026-02-30T00:00:00.000Z',
  '{"a":[[[',
  '[[',
  ']]',
  '"""',
  "'''",
  '\\u0000',
  '\\',
  '"',
  '\r',
  'x'.repeat(5_000),
] as const

/** Changes text in bytes, in lines, or by a word that readers trip over. */
export function withTextChanged(text: string, dice: Dice): string {
  const way = dice()
  if (way < 0.35) return withBytesChanged(Buffer.from(text), dice, Buffer.from(text)).toString()
  if (way < 0.6) return withLinesChanged(text, dice)
  const at = below(dice, text.length + 1)
  return text.slice(0, at) + oneOf(dice, WORDS) + text.slice(at + below(dice, 20))
}
