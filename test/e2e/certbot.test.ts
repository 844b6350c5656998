/** The built program beside a real certbot and a real ACME server: one lineage's life, in order. */
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { leafFingerprint } from '../fixtures/certificates.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { type Certbot, certbotIn } from './certbot.ts'
import { type Account, openAccount } from './emulatorAccount.ts'
import { type Pebble, startPebble } from './pebble.ts'
import { commandLine, program, type Result, reportOf } from './program.ts'

const NAMES = ['app.test.example', 'www.app.test.example']

let pebble: Pebble
let certbot: Certbot
let account: Account

beforeAll(async () => {
  const directory = await temporaryDirectory()
  pebble = await startPebble()
  certbot = certbotIn(directory, pebble)
  account = await openAccount(join(directory, 'state'))
})

afterAll(async () => {
  await account?.emulator.close()
  await pebble?.close()
})

async function sync(): Promise<{ readonly code: number; readonly result: Result }> {
  const words = ['sync', '--json', '--source', `certbot=${certbot.config}`, ...account.options]
  const ended = await program(words, account.credentials)
  const { results, exit } = reportOf(ended)
  const [result, ...more] = results
  if (!result || more.length > 0) throw new Error(`expected one result: ${ended.stdout}`)
  expect(exit).toBe(ended.code)
  return { code: ended.code, result }
}

const ids = () => account.emulator.certificates().map(({ id }) => id)
const readLeaf = () => certbot.read('app', 'cert.pem')

test('a certificate that certbot issued is uploaded by the first sync', async () => {
  expect(await certbot.issue('app', NAMES)).toMatchObject({ code: 0 })
  const { code, result } = await sync()
  const leaf = await readLeaf()
  expect(code).toBe(0)
  expect(ids()).toHaveLength(1)
  expect(result).toMatchObject({
    lineage: 'certbot:app',
    outcome: 'uploaded',
    because: 'first-seen',
    certificateId: ids()[0],
    reused: false,
    attempts: 1,
    supersedes: null,
    leaf: leafFingerprint(leaf),
    notAfter: new X509Certificate(leaf).validToDate.toISOString(),
  })
  expect([...(result.names ?? [])].sort()).toEqual(NAMES)
})

test('the service holds the chain as certbot wrote it', async () => {
  const [stored] = account.emulator.certificates()
  const lines = (pem = '') => pem.trim().split(/\n+/)
  expect(lines(stored?.chainPem)).toEqual(lines(await certbot.read('app', 'fullchain.pem')))
})

test('a second sync uploads nothing', async () => {
  const { code, result } = await sync()
  expect([code, result.outcome, result.certificateId]).toEqual([0, 'unchanged', ids()[0]])
  expect(account.emulator.entries).toHaveLength(1)
})

test('a renewal with a new key is uploaded by the hook that certbot runs, and certbot reports no error', async () => {
  const key = await certbot.read('app', 'privkey.pem')
  const renewed = await certbot.renew('app', { hook: commandLine('hook'), env: account.environment })
  expect(await certbot.read('app', 'privkey.pem')).not.toBe(key)
  expect(renewed.code).toBe(0)
  expect(renewed.stdout).toContain("Hook 'deploy-hook' ran with output:")
  expect(renewed.stdout + renewed.stderr).not.toMatch(/error output|reported error code/)
  expect(ids()).toHaveLength(2)
  expect(renewed.stdout).toContain(ids()[1])
})

test('sync knows what the hook uploaded', async () => {
  const { code, result } = await sync()
  expect([code, result.outcome, result.certificateId]).toEqual([0, 'unchanged', ids()[1]])
  expect(ids()).toHaveLength(2)
})

test('a hook run again for the same certificate sends nothing and says nothing on standard error', async () => {
  const env = {
    ...account.environment,
    RENEWED_LINEAGE: certbot.live('app'),
    RENEWED_DOMAINS: NAMES.join(' '),
  }
  const ended = await program(['hook'], env)
  expect([ended.code, ended.stderr]).toEqual([0, ''])
  expect(account.emulator.entries).toHaveLength(2)
})

test('a renewal without any hook is found by the next sync, which names the certificate it replaces', async () => {
  expect(await certbot.renew('app', { hook: '/bin/true' })).toMatchObject({ code: 0 })
  const { code, result } = await sync()
  expect(code).toBe(0)
  expect(result).toMatchObject({ outcome: 'uploaded', because: 'changed', certificateId: ids()[2] })
  expect(result.supersedes).toBe(ids()[1])
  expect(result.leaf).toBe(leafFingerprint(await readLeaf()))
})

test('a hook without a service reports 75, certbot goes on, and the next sync repairs it', async () => {
  const away = { ...account.environment, CERTFERRY_ENDPOINT: 'http://127.0.0.1:1' }
  const renewed = await certbot.renew('app', { hook: commandLine('hook', '--deadline', '3'), env: away })
  expect(renewed.code).toBe(0)
  expect(renewed.stdout + renewed.stderr).toContain("Hook 'deploy-hook' reported error code 75")
  expect(ids()).toHaveLength(3)
  const { result } = await sync()
  expect([result.outcome, result.supersedes]).toEqual(['uploaded', ids()[2]])
  expect(new Set(ids()).size).toBe(4)
})
