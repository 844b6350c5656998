import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import { selfSigned } from '../fixtures/certificates.ts'
import { first, reject, renewed, stage } from './syncCertificateFixture.ts'

describe('what is uploaded', () => {
  test('a certificate never seen is sent once, recorded, and told with its ID', async () => {
    const { look, sent, receipts } = stage()
    expect(await look()).toMatchObject({
      lineage: 'pem:a',
      outcome: 'uploaded',
      because: 'first-seen',
      certificateId: 'ID1',
      requestId: 'request-1',
      reused: false,
      attempts: 1,
      supersedes: null,
      bundle: { names: ['example.com', 'www.example.com'] },
    })
    expect(sent.map(({ bundle }) => bundle.chainPem)).toEqual([first.chain])
    expect(receipts.get('pem:a')?.uploaded).toMatchObject({
      certificateId: 'ID1',
      endpoint: 'ssl.tencentcloudapi.com',
    })
  })

  test('the second look finds it unchanged and sends nothing', async () => {
    const { look, sent } = stage()
    await look()
    expect(await look()).toMatchObject({ outcome: 'unchanged', because: 'unchanged', certificateId: 'ID1' })
    expect(sent).toHaveLength(1)
  })

  test('a renewed one is sent, and the ID it replaces is named and kept', async () => {
    const { look, put, receipts } = stage()
    await look()
    put(renewed)
    expect(await look()).toMatchObject({
      outcome: 'uploaded',
      because: 'changed',
      certificateId: 'ID2',
      supersedes: 'ID1',
    })
    expect(receipts.get('pem:a')).toMatchObject({
      uploaded: { certificateId: 'ID2' },
      superseded: [{ certificateId: 'ID1' }],
    })
  })

  test('forced, the same one is sent again and known again', async () => {
    const { look, sent } = stage()
    await look()
    expect(await look({ force: true })).toMatchObject({
      because: 'forced',
      certificateId: 'ID1',
      reused: true,
      supersedes: null,
    })
    expect(sent).toHaveLength(2)
  })

  test('what another endpoint gave an ID is new to this one', async () => {
    const { look } = stage()
    await look({ endpoint: '127.0.0.1' })
    expect(await look()).toMatchObject({ outcome: 'uploaded', because: 'first-seen', supersedes: null })
  })

  test('a dry run says what it would do, sends nothing and records nothing', async () => {
    const { look, sent, receipts } = stage()
    expect(await look({ dryRun: true })).toMatchObject({ outcome: 'planned', because: 'first-seen' })
    expect(sent).toEqual([])
    expect(receipts.size).toBe(0)
  })
})

describe('what is mid-change', () => {
  test('key and chain of two generations are pending, with what is known of them', async () => {
    const { look, sent } = stage({}, { chain: renewed.chain, key: first.key })
    expect(await look({ last: true })).toMatchObject({
      outcome: 'failed',
      fault: { code: 'KEY_MISMATCH', retry: 'recheck', exit: 75 },
    })
    expect(sent).toEqual([])
  })

  test('a leaf without its issuer is waited for while somebody may be writing it', async () => {
    const { look } = stage({}, { chain: first.leaf, key: first.key, settled: false })
    expect(await look()).toMatchObject({
      outcome: 'failed',
      fault: {
        code: 'CHAIN_INCOMPLETE',
        retry: 'recheck',
        exit: 75,
        message: 'a/chain.pem: the issuer of example.com may still be written',
      },
      bundle: { notes: [expect.stringContaining('its issuer is not in the chain file')] },
    })
  })

  test('it is believed once nobody has written for a while, or at the last look', async () => {
    const alone = { chain: first.leaf, key: first.key }
    expect(await stage({}, { ...alone, settled: true }).look()).toMatchObject({ outcome: 'uploaded' })
    expect(await stage({}, { ...alone, settled: false }).look({ last: true })).toMatchObject({
      outcome: 'uploaded',
    })
  })

  test('a certificate signed by itself waits for nobody', async () => {
    const { look } = stage({}, { ...(await selfSigned()), settled: false })
    expect(await look()).toMatchObject({ outcome: 'uploaded' })
  })
})

describe('what goes wrong', () => {
  test('on the way to the files is the outcome, as the reader said it', async () => {
    const fault = new Fault('FILE_UNREADABLE', 'a/key.pem: cannot be read (EACCES)')
    const outcome = await stage({ read: reject(fault) }).look()
    expect(outcome).toMatchObject({ outcome: 'failed', lineage: 'pem:a', fault })
    expect(outcome).not.toHaveProperty('bundle')
  })

  test('with the state before the upload keeps it from being sent', async () => {
    const fault = new Fault('STATE_DIR_UNUSABLE', 'the state directory /s cannot be used (EACCES)')
    const { look, sent } = stage({ recall: reject(fault) })
    expect(await look()).toMatchObject({ outcome: 'failed', fault })
    expect(sent).toEqual([])
  })

  test('with the state after the upload does not lose the ID', async () => {
    const fault = new Fault('STATE_DIR_UNUSABLE', 'the state directory /s cannot be used (ENOSPC)')
    expect(await stage({ record: reject(fault) }).look()).toMatchObject({
      outcome: 'failed',
      fault: {
        code: 'UPLOAD_NOT_RECORDED',
        exit: 74,
        message: 'uploaded as ID1, but the state directory /s cannot be used (ENOSPC)',
        cause: fault,
      },
    })
  })

  test.each(['read', 'recall', 'upload', 'record'] as const)(
    'as a bug in %s is an outcome, too',
    async effect => {
      const bug = new TypeError(`cannot read\n${first.key}`)
      const outcome = await stage({ [effect]: reject(bug) }).look()
      expect(outcome).toMatchObject({
        outcome: 'failed',
        fault: { code: 'INTERNAL_ERROR', exit: 70, retry: 'never', cause: bug },
      })
      const { fault } = outcome as { fault: Fault }
      expect(fault.message).toMatch(/^unexpected: TypeError: cannot read\n?\s*\[secret\]/)
    },
  )

  test('never shows the key, however closely an outcome is looked at', async () => {
    const { look } = stage({ record: reject(new Fault('STATE_DIR_UNUSABLE', 'no')) })
    const text = inspect(await look(), { depth: 20, showHidden: true })
    expect(text).not.toContain('PRIVATE KEY')
    expect(text).not.toContain(first.key.split('\n')[1])
  })
})
