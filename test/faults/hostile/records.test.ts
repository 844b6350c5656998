/** Changed configurations, receipts, replies and credentials each end in a result or a fault, and do no harm. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { deflateSync, gzipSync } from 'node:zlib'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { resolveSettings } from '../../../src/config/settings.ts'
import { Fault } from '../../../src/errors.ts'
import { parseReceipt } from '../../../src/receipts/shape.ts'
import { statusRow } from '../../../src/status/status.ts'
import { statusTable } from '../../../src/status/table.ts'
import { findCredentials } from '../../../src/tencent/credentials.ts'
import { readReply } from '../../../src/tencent/response.ts'
import { uploadedOf } from '../../../src/tencent/uploadRequest.ts'
import { recordedContext } from '../../fixtures/context.ts'
import { seededRandom } from '../../fixtures/random.ts'
import { receiptWith, upload } from '../../fixtures/samples.ts'
import { oldFileText, writtenAndRead } from '../../fixtures/state.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { callerOf } from '../../tencent/clientFixture.ts'
import { AT_ONCE } from '../../tencent/credentialPlaces.ts'
import { SEED, times } from '../run.ts'
import { openChecker } from './checker.ts'
import { below, oneOf, type Random, withBytesChanged, withLinesChanged } from './mutators.ts'

const example = readFileSync(new URL('../../../config/certferry.example.toml', import.meta.url), 'utf8')

const CONFIGURATIONS = [
  example,
  // its defaults stand behind marks of comment
  example.replace(/^# ?(?=[a-z_[])/gm, ''),
  '[[source]]\nkind = "pem"\nname = "a"\nchain = "c.pem"\nkey = "k.pem"\n[upload.tags]\nteam = "web"\n',
  '[tencent]\nendpoint = "https://ssl.tencentcloudapi.com"\nrate_per_second = 2.5\n[log]\nlevel = "debug"\n',
]

const AT = '2026-03-01T00:00:00.000Z'
const HEX = 'f'.repeat(64)

const RECEIPTS = [
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

const REPLIES = [
  response({ CertificateId: 'a92b1Z1i', RepeatCertId: '' }),
  response({ CertificateId: null, RepeatCertId: 'a92b1Z1i' }),
  response({ Error: { Code: 'FailedOperation.CertificateExists', Message: 'it exists' } }),
  response({ Error: { Code: 'RequestLimitExceeded', Message: '-----BEGIN PRIVATE KEY-----' } }),
  '<html><body>502 Bad Gateway</body></html>',
  '',
]

const SECRET_KEY = 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE'

const CREDENTIALS = [
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
function withTextChanged(text: string, random: Random): string {
  const kind = random()
  if (kind < 0.35) return withBytesChanged(Buffer.from(text), random, Buffer.from(text)).toString()
  if (kind < 0.6) return withLinesChanged(text, random)
  const at = below(random, text.length + 1)
  return text.slice(0, at) + oneOf(random, WORDS) + text.slice(at + below(random, 20))
}

let file: string
beforeEach(async () => {
  file = join(await temporaryDirectory(), 'record')
})

interface Kind {
  readonly title: string
  readonly texts: readonly string[]
  readonly count: number
  readonly named: readonly string[]
  readonly keys?: readonly string[]
  readonly read: (text: string, random: Random) => unknown
}

async function change({ title, texts, count, named, keys = [], read }: Kind): Promise<void> {
  const checker = openChecker()
  for (let i = 0; i < count; i++) {
    const random = seededRandom(SEED * 1_000_003 + i)
    const text = withTextChanged(oneOf(random, texts), random)
    await checker.check({ name: `${title} ${i}`, files: named, keys }, () => read(text, random))
  }
  expect(Object.keys(Object.prototype), 'every object has what it had').toEqual([])
  checker.report(title, 'bytes, lines and words that readers trip over')
}

test('changed configurations: settings, or the file with what is wrong in it', async () => {
  await change({
    title: 'changed configurations',
    texts: CONFIGURATIONS,
    count: times(150, 8_000),
    named: [file],
    read: async text => {
      await writeFile(file, text)
      try {
        const { config } = await loadConfig(file, recordedContext({ cwd: '/' }).context)
        return resolveSettings({}, {}, config).forLineage('certbot:a', 'a', {}).upload.tags.length
      } catch (error) {
        // every problem has its own line, and each names the file
        if (!(error instanceof Fault) || error.message.split('\n').some(line => !line.startsWith(file)))
          throw error
        return error.message
      }
    },
  })
})

test('changed receipts: damaged, or shown without harm and written back the same', async () => {
  const now = new Date('2026-03-02T00:00:00Z')
  await change({
    title: 'changed receipts',
    texts: RECEIPTS,
    count: times(500, 7_000),
    named: [],
    read: text => {
      // what is read from a file has no half of a character
      const receipt = parseReceipt(text.toWellFormed())
      if (!receipt) return ''
      expect(writtenAndRead(receipt)).toEqual(receipt)
      const table = statusTable([statusRow({ receipt }, now)], { colours: false, columns: 80 })
      expect(table).not.toMatch(/NaN|Invalid|undefined/)
      return table
    },
  })
})

test('changed replies: an ID, or a fault that says what answered', async () => {
  await change({
    title: 'changed replies',
    texts: REPLIES,
    count: times(500, 6_000),
    named: ['answer', 'service'],
    read: (text, random) => {
      const { certificateId, requestId } = uploadedOf(readReply(oneOf(random, [200, 200, 404, 502]), text))
      expect(certificateId).toMatch(/^[\w.-]{1,128}$/)
      return `${certificateId}\n${requestId}`
    },
  })
})

/** Sixty-four megabytes of nothing, in sixty-four kilobytes. */
const BOMB = gzipSync(Buffer.alloc(64 << 20))

test('changed replies on the wire, packed and unpacked: the client outlives them', async () => {
  const answer = { bytes: Buffer.alloc(0), headers: {}, status: 200 }
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(answer.status, answer.headers).end(answer.bytes))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { call } = callerOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await change({
    title: 'changed replies on the wire',
    texts: REPLIES,
    count: times(60, 1_500),
    named: ['answer', 'service', '127.0.0.1'],
    read: async (text, random) => {
      const encoding = oneOf(random, ['identity', 'gzip', 'deflate', 'br', 'gzip'])
      const packed =
        encoding === 'gzip' ? gzipSync(text) : encoding === 'deflate' ? deflateSync(text) : Buffer.from(text)
      const bomb = random() < 0.01 ? BOMB : undefined
      answer.bytes = bomb ?? (random() < 0.2 ? packed.subarray(0, packed.length / 2) : packed)
      answer.headers = {
        'content-encoding': bomb ? 'gzip' : encoding,
        date: oneOf(random, ['never', '', new Date().toUTCString()]),
      }
      answer.status = oneOf(random, [200, 200, 301, 429, 502])
      return uploadedOf(await call()).certificateId
    },
  })
})

test('changed credentials: keys, or the file with what is wrong, never quoted', async () => {
  await change({
    title: 'changed credentials',
    texts: CREDENTIALS,
    count: times(150, 5_000),
    named: [file],
    keys: [SECRET_KEY],
    read: async (text, random) => {
      await writeFile(file, text)
      const profile = oneOf(random, [
        'default',
        'ops.east',
        '__proto__',
        'constructor',
        'default.secret_id',
        '',
        '.',
      ])
      const env = { TENCENTCLOUD_CREDENTIALS_FILE: file }
      const found = await findCredentials({
        env,
        home: '/',
        profile,
        role: async () => 'no role',
        ...AT_ONCE,
      })
      expect(found.secretKey.reveal()).toMatch(/^[\x21-\x7e]+$/)
      expect(found.secretId).toMatch(/^[\x21-\x7e]+$/)
      return JSON.stringify({ ...found, secretId: '' })
    },
  })
})
