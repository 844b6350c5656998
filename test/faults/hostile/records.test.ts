/** Configurations, receipts, replies and credentials, changed: an answer for each, and none that does harm. */
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
import { seededDice } from '../../fixtures/dice.ts'
import { writtenAndRead } from '../../fixtures/state.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { recordedWorld } from '../../fixtures/world.ts'
import { callerOf } from '../../tencent/clientFixture.ts'
import { AT_ONCE } from '../../tencent/credentialPlaces.ts'
import { SEED, times } from '../run.ts'
import { openJudge } from './assertions.ts'
import { type Dice, oneOf } from './mutator.ts'
import { CONFIGURATIONS, CREDENTIALS, RECEIPTS, REPLIES, SECRET_KEY, withTextChanged } from './records.ts'

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
  readonly read: (text: string, dice: Dice) => unknown
}

async function change({ title, texts, count, named, keys = [], read }: Kind): Promise<void> {
  const judge = openJudge()
  for (let i = 0; i < count; i++) {
    const dice = seededDice(SEED * 1_000_003 + i)
    const text = withTextChanged(oneOf(dice, texts), dice)
    await judge.hear({ name: `${title} ${i}`, files: named, keys }, () => read(text, dice))
  }
  expect(Object.keys(Object.prototype), 'every object has what it had').toEqual([])
  judge.close(title, 'bytes, lines and words that readers trip over')
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
        const { config } = await loadConfig(file, recordedWorld({ cwd: '/' }).world)
        return resolveSettings({}, {}, config).uploadOf('certbot:a', 'a', {}).tags.length
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
      const receipt = parseReceipt(text)
      if (!receipt) return ''
      expect(writtenAndRead(receipt)).toEqual(receipt)
      const table = statusTable([statusRow({ receipt }, now)], { colours: false, columns: 80 }, now)
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
    read: (text, dice) => {
      const { certificateId, requestId } = uploadedOf(readReply(oneOf(dice, [200, 200, 404, 502]), text))
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
    read: async (text, dice) => {
      const encoding = oneOf(dice, ['identity', 'gzip', 'deflate', 'br', 'gzip'])
      const packed =
        encoding === 'gzip' ? gzipSync(text) : encoding === 'deflate' ? deflateSync(text) : Buffer.from(text)
      const bomb = dice() < 0.01 ? BOMB : undefined
      answer.bytes = bomb ?? (dice() < 0.2 ? packed.subarray(0, packed.length / 2) : packed)
      answer.headers = {
        'content-encoding': bomb ? 'gzip' : encoding,
        date: oneOf(dice, ['never', '', new Date().toUTCString()]),
      }
      answer.status = oneOf(dice, [200, 200, 301, 429, 502])
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
    read: async (text, dice) => {
      await writeFile(file, text)
      const profile = oneOf(dice, [
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
