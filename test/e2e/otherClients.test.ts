/** The built program beside the real ACME clients other than certbot and acme.sh: issued, uploaded, renewed, uploaded. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stderr } from 'node:process'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { FolderSource } from '../../src/config/settings.ts'
import { sourceOf } from '../fixtures/recorded.ts'
import type { Client } from '../fixtures/recording.ts'
import { all } from '../fixtures/steps.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { rewritten, storeText, touched } from '../fixtures/traefikStore.ts'
import { DOMAIN, openStand, whyNot } from './acmeClients.ts'
import { run } from './child.ts'
import { startWatch } from './daemon.ts'
import { dehydratedIn } from './dehydrated.ts'
import { type Account, openAccount } from './emulatorAccount.ts'
import { legoIn } from './lego.ts'
import { type Pebble, startPebble } from './pebble.ts'
import { commandLine, program, type Result, reportOf } from './program.ts'

let pebble: Pebble

beforeAll(async () => {
  pebble = await startPebble()
})

afterAll(() => pebble?.close())

const OTHERS: ReadonlyArray<readonly [client: Client, lineage: RegExp]> = [
  ['lego', /^lego:app\.test\.example$/],
  ['dehydrated', /^dehydrated:app\.test\.example$/],
  ['uacme', /^uacme:app\.test\.example$/],
  // the server is a host and a port here
  ['caddy', /^caddy:app\.test\.example@localhost-\d+-dir$/],
]

async function accountIn(directory: string): Promise<Account> {
  const account = await openAccount(join(directory, 'state'))
  onTestFinished(() => account.emulator.close())
  return account
}

const optionOf = ({ kind, path }: FolderSource) => ['--source', `${kind}=${path}`]

/** One pass over one source that holds one certificate. */
async function sync(source: FolderSource, account: Account): Promise<Result> {
  const ended = await program(
    ['sync', '--json', ...optionOf(source), ...account.options],
    account.credentials,
  )
  const { results, exit } = reportOf(ended)
  expect([exit, ended.code, results.length], ended.stdout + ended.stderr).toEqual([0, 0, 1])
  return results[0] as Result
}

const sha256 = (chain: string) => new X509Certificate(chain).fingerprint256.replaceAll(':', '').toLowerCase()

describe.each(OTHERS)('%s', (client, lineage) => {
  const why = whyNot(client)
  if (why) stderr.write(`${client}: its tests are skipped, ${why}\n`)

  async function stage() {
    const directory = await temporaryDirectory()
    const stand = await openStand(client, { directory, pebble, runner: run })
    onTestFinished(() => stand.close())
    const source = sourceOf(client, stand.scene) as FolderSource
    return { directory, stand, source, account: await accountIn(directory) }
  }

  test.skipIf(why)('what it issues and renews is uploaded, each once', async () => {
    const { stand, source, account } = await stage()
    expect(await stand.issue()).toMatchObject({ code: 0 })
    const first = await sync(source, account)
    expect(first).toMatchObject({ outcome: 'uploaded', because: 'first-seen', names: [DOMAIN] })
    expect(first.lineage).toMatch(lineage)
    expect(await sync(source, account)).toMatchObject({ outcome: 'unchanged' })

    expect(await stand.renew()).toMatchObject({ code: 0 })
    const second = await sync(source, account)
    expect(second).toMatchObject({
      lineage: first.lineage,
      outcome: 'uploaded',
      because: 'changed',
      supersedes: first.certificateId,
    })
    expect(await sync(source, account)).toMatchObject({ outcome: 'unchanged' })
    expect(account.emulator.certificates().map(({ chainPem }) => sha256(chainPem))).toEqual([
      first.leaf,
      second.leaf,
    ])
  })

  test.skipIf(why)('what it issues and renews while the daemon watches is uploaded at once', async () => {
    const { directory, stand, source, account } = await stage()
    const daemon = await startWatch(directory, account.emulator.url, optionOf(source))
    onTestFinished(async () => void (await daemon.end()))
    const uploads = async (count: number) =>
      vi.waitFor(() => expect(account.emulator.certificates()).toHaveLength(count), { timeout: 20_000 })
    expect(await stand.issue()).toMatchObject({ code: 0 })
    await uploads(1)
    expect(await stand.renew()).toMatchObject({ code: 0 })
    await uploads(2)
    expect(await daemon.end()).toBe(0)
    expect(await sync(source, account)).toMatchObject({ outcome: 'unchanged' })
  })
})

describe('hooks', () => {
  const ids = (account: Account) => account.emulator.certificates().map(({ id }) => id)

  test('lego runs certferry as its hook, when it issues and when it renews', async () => {
    const directory = await temporaryDirectory()
    const account = await accountIn(directory)
    const lego = legoIn(directory, pebble)
    const hooked = { hook: commandLine('hook', '--deadline', '110'), env: account.environment }
    for (const [count, step] of [lego.issue, lego.renew].entries()) {
      const { code, stdout } = await step(DOMAIN, hooked)
      expect([code, ids(account).length]).toEqual([0, count + 1])
      expect(stdout).toContain(`lego:${DOMAIN} uploaded as ${ids(account).at(-1)}`)
    }
    const source = { kind: 'lego', path: lego.root, keys: {} } as const
    expect(await sync(source, account)).toMatchObject({ outcome: 'unchanged' })
  })

  test('dehydrated runs the hook that install-hook put there, and is done whatever comes of it', async () => {
    const directory = await temporaryDirectory()
    const account = await accountIn(directory)
    const dehydrated = await dehydratedIn(directory, pebble)
    onTestFinished(() => dehydrated.close())
    const source = { kind: 'dehydrated', path: join(dehydrated.root, 'certs'), keys: {} } as const
    expect(await program(['install-hook', 'dehydrated', ...optionOf(source)])).toMatchObject({ code: 0 })
    const issued = await dehydrated.issue(DOMAIN, account.environment)
    expect([issued.code, ids(account).length], issued.stdout + issued.stderr).toEqual([0, 1])
    expect(issued.stdout).toContain(`dehydrated:${DOMAIN} uploaded as ${ids(account)[0]}`)
    expect(await sync(source, account)).toMatchObject({ outcome: 'unchanged' })

    const wrong = { ...account.environment, TENCENTCLOUD_SECRET_KEY: 'wrong' }
    const renewed = await dehydrated.renew(DOMAIN, wrong)
    expect(renewed.code, renewed.stdout + renewed.stderr).toBe(0)
    expect(renewed.stdout).toContain('certferry failed with exit 77')
    expect(await sync(source, account)).toMatchObject({ outcome: 'uploaded', because: 'changed' })
  })
})

describe('Traefik', () => {
  /**
   * Debian has no traefik: its file is made here as its source has it, of certificates that lego, which Traefik is built
   * on, got from the server.
   */
  async function stage() {
    const directory = await temporaryDirectory()
    const lego = legoIn(directory, pebble)
    const path = join(directory, 'traefik/acme.json')
    const read = async (suffix: string) =>
      readFile(join(lego.root, `certificates/${DOMAIN}.${suffix}`), 'utf8')
    const store = async () => {
      const pair = { chain: await read('crt'), key: await read('key') }
      await all(rewritten(path, storeText({ le: [{ domains: [DOMAIN], pair }] })))
      return pair
    }
    await touched(path).run()
    const source = { kind: 'traefik', path, keys: {} } as const
    return { directory, lego, store, source, account: await accountIn(directory) }
  }

  test('what it stores and renews is uploaded, each once, with an RSA key in its own form', async () => {
    const { lego, store, source, account } = await stage()
    const rsa = { keyType: 'rsa2048' } as const
    expect(await lego.issue(DOMAIN, rsa)).toMatchObject({ code: 0 })
    expect((await store()).key).toContain('-----BEGIN RSA PRIVATE KEY-----')
    const first = await sync(source, account)
    expect(first).toMatchObject({ lineage: `traefik:${DOMAIN}@le`, outcome: 'uploaded' })
    expect(await sync(source, account)).toMatchObject({ outcome: 'unchanged' })
    expect(await lego.renew(DOMAIN, rsa)).toMatchObject({ code: 0 })
    await store()
    expect(await sync(source, account)).toMatchObject({
      outcome: 'uploaded',
      supersedes: first.certificateId,
    })
    expect(await sync(source, account)).toMatchObject({ outcome: 'unchanged' })
  })

  test('what it stores while the daemon watches is uploaded at once', async () => {
    const { directory, lego, store, source, account } = await stage()
    const daemon = await startWatch(directory, account.emulator.url, optionOf(source))
    onTestFinished(async () => void (await daemon.end()))
    for (const [count, step] of [lego.issue, lego.renew].entries()) {
      expect(await step(DOMAIN)).toMatchObject({ code: 0 })
      await store()
      await vi.waitFor(() => expect(account.emulator.certificates()).toHaveLength(count + 1), {
        timeout: 20_000,
      })
    }
  })
})
