import { spawnSync } from 'node:child_process'
import { execPath } from 'node:process'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import type { InjectedFault } from '../../src/emulator/faults.ts'
import { Fault } from '../../src/errors.ts'
import { refused } from '../http/httpServers.ts'
import { failureOf } from '../tencent/clientFixture.ts'
import { bundleOf, first, KEYS, stage } from './uploaderFixture.ts'

describe('an upload', () => {
  test('takes one request and yields the ID', async () => {
    const { upload, emulator, codes, logged } = await stage()
    expect(await upload()).toMatchObject({
      certificateId: emulator.certificates()[0]?.id,
      reused: false,
      attempts: 1,
    })
    expect(codes()).toEqual(['OK'])
    expect(logged).toEqual([])
  })

  test.each<InjectedFault>([
    'reset-after',
    'truncated',
    'reset-before',
    'bad-gateway',
    'internal-error',
    { stall: 50 },
  ])('after %o yields the ID of the one stored certificate', async faults => {
    const { upload, emulator } = await stage({ faults: first(faults) })
    const { certificateId, attempts } = await upload()
    expect(emulator.certificates().map(({ id }) => id)).toEqual([certificateId])
    expect(attempts).toBe(typeof faults === 'string' ? 2 : 1)
  })

  test('logs each retry with its reason', async () => {
    const { upload, logged } = await stage({ faults: first('bad-gateway', 'gateway-throttle') })
    expect(await upload()).toMatchObject({ attempts: 3 })
    expect(logged).toMatchObject([
      {
        level: 'info',
        event: 'retry',
        code: 'REPLY_UNREADABLE',
        advice: expect.stringContaining('is failing'),
        msg: "pem:a not uploaded at attempt 1, trying again in 0.3 s: the answer was HTTP 502, not the service's",
      },
      { msg: expect.stringContaining('the service answered RequestLimitExceeded: ') },
    ])
  })

  test.each(['both', 'certificate-id-only', 'repeat-cert-id-only', 'error'] as const)(
    'of an existing certificate yields its ID, in each form of the reply: %s',
    async duplicates => {
      const { upload, emulator } = await stage({ duplicates })
      const { certificateId } = await upload()
      expect((await upload()).certificateId).toBe(certificateId)
      expect(emulator.certificates()).toHaveLength(1)
    },
  )

  test('ends after eight attempts with the last fault', async () => {
    const { upload, logged } = await stage({ endpoint: (await refused()).slice(0, -1) })
    expect(await failureOf(upload())).toMatchObject({ code: 'NETWORK', retry: 'backoff' })
    expect(logged).toHaveLength(7)
  })
})

describe('a call of another action', () => {
  const context = { lineage: 'pem:a', failed: 'not listed' }

  test('has its reply in the form of the schema, and is retried', async () => {
    const { uploader, logged } = await stage({ faults: first('bad-gateway') })
    const reply = uploader.call(
      'DescribeCertificates',
      { Limit: 1 },
      v.object({ TotalCount: v.number() }),
      context,
    )
    expect(await reply).toEqual({ fields: { TotalCount: 0 }, requestId: expect.any(String), attempts: 2 })
    expect(logged).toMatchObject([
      { event: 'retry', msg: expect.stringMatching(/^pem:a not listed at attempt 1, /) },
    ])
  })

  test('fails when the reply has another form, and names the field', async () => {
    const { uploader } = await stage()
    const reply = uploader.call('DescribeCertificates', {}, v.object({ TotalCount: v.string() }), context)
    expect(await failureOf(reply)).toMatchObject({
      code: 'REPLY_UNREADABLE',
      requestId: expect.any(String),
      message: expect.stringContaining('TotalCount'),
    })
  })
})

describe('a wrong clock', () => {
  test.each([
    [600, "this machine's clock is 10 minutes slow; signing with the service's time"],
    [-600, "this machine's clock is 10 minutes fast; signing with the service's time"],
  ])('of %i s costs one request and one warning, also with ten uploads at once', async (seconds, text) => {
    // no whole second: the Date header has none smaller
    const { upload, codes, logged } = await stage({
      now: () => Math.floor(Date.now() / 1000 + seconds) * 1000 + 500,
    })
    const bundles = await Promise.all(Array.from({ length: 10 }, (_, i) => bundleOf(`${i}.example.com`)))
    const all = await Promise.all(bundles.map(upload))
    expect(new Set(all.map(({ certificateId }) => certificateId)).size).toBe(10)
    expect(codes()).toEqual(['AuthFailure.SignatureExpire', ...Array(10).fill('OK')])
    const warnings = logged.filter(({ level }) => level === 'warn')
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatchObject({ msg: text, advice: expect.stringContaining('timedatectl') })
  })
})

describe('credentials', () => {
  test('that are refused end ten uploads after one request with the very same fault', async () => {
    const { upload, codes } = await stage({ env: { ...KEYS, TENCENTCLOUD_SECRET_KEY: 'wrong' } })
    const faults = await Promise.all(Array.from({ length: 10 }, () => failureOf(upload())))
    expect(codes()).toEqual(['AuthFailure.SignatureFailure'])
    expect(faults[0]).toMatchObject({ code: 'API_CREDENTIALS', scope: 'account', exit: 77 })
    expect(new Set(faults).size).toBe(1)
  })

  test('that are missing end ten uploads without a request', async () => {
    const { upload, codes } = await stage({ env: { TENCENTCLOUD_SECRET_ID: 'half' } })
    const faults = await Promise.all(Array.from({ length: 10 }, () => failureOf(upload())))
    expect(codes()).toEqual([])
    expect(new Set(faults).size).toBe(1)
    expect(faults[0]).toMatchObject({ code: 'CREDENTIALS_UNREADABLE', scope: 'account' })
  })

  test('without the permission end all uploads after one request', async () => {
    const secretKey = KEYS.TENCENTCLOUD_SECRET_KEY
    const { upload, codes } = await stage({
      accounts: { 'certferry-demo': { secretKey, denied: ['UploadCertificate'] } },
    })
    const faults = await Promise.all([failureOf(upload()), failureOf(upload()), failureOf(upload())])
    expect(codes()).toEqual(['AuthFailure.UnauthorizedOperation'])
    expect(new Set(faults).size).toBe(1)
  })

  test('have an origin', async () => {
    const { uploader } = await stage()
    expect(await uploader.origin()).toBe('environment')
  })
})

describe('the end of uploads', () => {
  test('at the deadline cuts off the request, which is not repeated', async () => {
    const deadline = new AbortController()
    const { upload, logged } = await stage({
      signal: deadline.signal,
      faults: () => ({ stall: 5_000 }),
      now: () => {
        queueMicrotask(() => deadline.abort())
        return Date.now()
      },
    })
    expect(await failureOf(upload())).toMatchObject({ code: 'DEADLINE', exit: 75 })
    expect(logged).toEqual([])
  })

  test('is not the rejection of one certificate', async () => {
    const { upload, bundle } = await stage()
    const strange = { ...bundle, chainPem: bundle.chainPem.replace(/\n/g, ' ') }
    const [bad, good] = await Promise.all([failureOf(upload(strange)), upload()])
    expect(bad).toMatchObject({ code: 'API_REJECTED', apiCode: 'FailedOperation.CertificateInvalid' })
    expect(good.attempts).toBe(1)
  })

  test('closes every connection at once; closing twice is no error', async () => {
    const { upload, uploader } = await stage()
    await upload()
    await uploader.close()
    await uploader.close()
    expect(await failureOf(upload())).toMatchObject({ code: 'NETWORK' })
  })
})

test('without any answer all uploads end with one fault after the attempts of the first', async () => {
  const { upload, logged } = await stage({ endpoint: 'http://127.0.0.1:9' })
  const faults = await Promise.all(Array.from({ length: 10 }, () => failureOf(upload())))
  expect(faults[0]).toMatchObject({ code: 'NETWORK', exit: 75 })
  expect(new Set(faults).size).toBe(1)
  expect(logged.filter(({ level, event }) => level === 'info' && event === 'retry')).toHaveLength(1)
})

test('internal errors in between do not end other uploads', async () => {
  const { upload } = await stage({ faults: ({ n }) => (n % 2 ? 'internal-error' : undefined) })
  const uploaded = await Promise.all(Array.from({ length: 6 }, () => upload()))
  expect(new Set(uploaded.map(({ certificateId }) => certificateId)).size).toBe(1)
})

test('an interruption ends all uploads with one fault and no more requests', async () => {
  const end = new AbortController()
  let asked = 0
  const { upload } = await stage({
    signal: end.signal,
    faults: () => {
      asked += 1
      end.abort(new Fault('INTERRUPTED', 'interrupted (SIGTERM)'))
      return { stall: 5_000 }
    },
  })
  const faults = await Promise.all([failureOf(upload()), failureOf(upload()), failureOf(upload())])
  expect(asked).toBe(1)
  expect(new Set(faults).size).toBe(1)
  expect(faults[0]).toMatchObject({ code: 'INTERRUPTED', exit: 75, message: 'interrupted (SIGTERM)' })
})

test('a halt ends waiting uploads without a request', async () => {
  const { upload, uploader, codes } = await stage()
  const full = new Fault('STATE_DIR_UNUSABLE', 'the disk is full')
  await upload()
  uploader.halt(full)
  expect(await failureOf(upload())).toBe(full)
  expect(codes()).toHaveLength(1)
})

/** Opens the uploader while every file that this process may have is open, and again when they are closed. */
const SCRIPT = `
import { closeSync, openSync } from 'node:fs'
import { lazyUploader } from '${new URL('../../src/upload/lazyUploader.ts', import.meta.url)}'
import { resolveSettings } from '${new URL('../../src/config/settings.ts', import.meta.url)}'
const carrier = lazyUploader({ settings: resolveSettings({}, {}, {}), env: {}, home: '/', version: '0', log: console, now: Date.now, signal: AbortSignal.abort() })
const taken = []
try { for (;;) taken.push(openSync('/dev/null')) } catch {}
const first = await carrier.uploader().then(() => 'opened', ({ code, retry }) => [code, retry])
carrier.halt(new Error('halted while there is none'))
for (const file of taken) closeSync(file)
const second = await carrier.uploader().then(() => 'opened', ({ code }) => code)
await carrier.renew()
console.log(JSON.stringify([first, second]))
`

test('an uploader that could not be opened for want of files is opened by the next upload', () => {
  const { stdout, stderr, status } = spawnSync(
    'sh',
    ['-c', 'ulimit -n 100; exec "$0" --input-type=module-typescript --eval "$SCRIPT"', execPath],
    { env: { SCRIPT }, encoding: 'utf8' },
  )
  expect([stderr, status]).toEqual(['', 0])
  expect(JSON.parse(stdout)).toEqual([['TOO_MANY_OPEN_FILES', 'backoff'], 'opened'])
})
