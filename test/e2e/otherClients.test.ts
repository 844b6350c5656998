/** The built program beside real ACME clients other than certbot: each certificate that they issue and renew is uploaded. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { env, stderr } from 'node:process'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { FolderSource } from '../../src/config/settings.ts'
import { leafFingerprint } from '../fixtures/certificates.ts'
import { type Client, sourceOf } from '../fixtures/recording.ts'
import { all } from '../fixtures/steps.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { rewritten, storeText, touched } from '../fixtures/traefikStore.ts'
import { DOMAIN, dehydratedIn, legoIn, openClient, whyNot } from './acmeClients.ts'
import { acmeShIn, findAcmeSh } from './acmesh.ts'
import { startWatch } from './daemon.ts'
import { type Account, openAccount } from './emulatorAccount.ts'
import { type Pebble, startPebble } from './pebble.ts'
import { commandLine, program, type Result, reportOf } from './program.ts'

let pebble: Pebble

beforeAll(async () => {
  pebble = await startPebble()
})

afterAll(() => pebble?.close())

const OTHERS: ReadonlyArray<readonly [client: Client, lineage: RegExp]> = [
  ['acme.sh', /^acme\.sh:app\.test\.example_ecc$/],
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

/** Syncs one source that holds one certificate. */
async function sync(source: FolderSource, account: Account): Promise<Result> {
  const ended = await program(
    ['sync', '--json', ...optionOf(source), ...account.options],
    account.credentials,
  )
  const { results, exit } = reportOf(ended)
  expect([exit, ended.code, results.length], ended.stdout + ended.stderr).toEqual([0, 0, 1])
  return results[0] as Result
}

describe.each(OTHERS)('%s', (client, lineage) => {
  const why = whyNot(client)
  if (why) stderr.write(`${client}: its tests are skipped, ${why}\n`)

  async function open() {
    const directory = await temporaryDirectory()
    const acmeClient = await openClient(client, { directory, pebble })
    onTestFinished(() => acmeClient.close())
    const source = sourceOf(client, acmeClient.scope) as FolderSource
    return { directory, acmeClient, source, account: await accountIn(directory) }
  }

  test.skipIf(why)('every certificate that it issues and renews is uploaded once', async () => {
    const { acmeClient, source, account } = await open()
    expect(await acmeClient.issue()).toMatchObject({ code: 0 })
    const first = await sync(source, account)
    expect(first).toMatchObject({ outcome: 'uploaded', because: 'first-seen', names: [DOMAIN] })
    expect(first.lineage).toMatch(lineage)
    expect(await sync(source, account)).toMatchObject({ outcome: 'unchanged' })

    expect(await acmeClient.renew()).toMatchObject({ code: 0 })
    const second = await sync(source, account)
    expect(second).toMatchObject({
      lineage: first.lineage,
      outcome: 'uploaded',
      because: 'changed',
      supersedes: first.certificateId,
    })
    expect(await sync(source, account)).toMatchObject({ outcome: 'unchanged' })
    expect(account.emulator.certificates().map(({ chainPem }) => leafFingerprint(chainPem))).toEqual([
      first.leaf,
      second.leaf,
    ])
  })

  test.skipIf(why)(
    'every certificate that it issues and renews under a daemon is uploaded at once',
    async () => {
      const { directory, acmeClient, source, account } = await open()
      const daemon = await startWatch(directory, account.emulator.url, optionOf(source))
      onTestFinished(async () => void (await daemon.end()))
      const uploads = async (count: number) =>
        vi.waitFor(() => expect(account.emulator.certificates()).toHaveLength(count), { timeout: 20_000 })
      expect(await acmeClient.issue()).toMatchObject({ code: 0 })
      await uploads(1)
      expect(await acmeClient.renew()).toMatchObject({ code: 0 })
      await uploads(2)
      expect(await daemon.end()).toBe(0)
      expect(await sync(source, account)).toMatchObject({ outcome: 'unchanged' })
    },
  )
})

describe('hooks', () => {
  const ids = (account: Account) => account.emulator.certificates().map(({ id }) => id)

  const acmeSh = findAcmeSh(env)

  test.skipIf(!acmeSh)('acme.sh runs certferry as its reload command, and fails where it fails', async () => {
    const directory = await temporaryDirectory()
    const account = await accountIn(directory)
    const { home, issue, renew } = acmeShIn(directory, acmeSh ?? '', pebble)
    // acme.sh keeps the command; the deadline is for the renewal without a service
    const reload = commandLine('hook', '--deadline', '5')
    const issued = await issue(DOMAIN, { reload, env: account.environment })
    expect([issued.code, ids(account).length], issued.stdout + issued.stderr).toEqual([0, 1])
    expect(issued.stdout).toContain('Reload successful')
    const renewed = await renew(DOMAIN, { env: account.environment })
    expect([renewed.code, ids(account).length], renewed.stdout + renewed.stderr).toEqual([0, 2])
    const source = { kind: 'acme.sh', path: home, keys: {} } as const
    expect(await sync(source, account)).toMatchObject({
      outcome: 'unchanged',
      certificateId: ids(account)[1],
    })

    const failed = await renew(DOMAIN, {
      env: { ...account.environment, CERTFERRY_ENDPOINT: 'http://127.0.0.1:1' },
    })
    expect(failed.code).toBe(1)
    expect(failed.stdout + failed.stderr).toContain('Reload error for')
    expect(await sync(source, account)).toMatchObject({ outcome: 'uploaded', supersedes: ids(account)[1] })
  })

  test('lego runs certferry as its hook, when it issues and when it renews', async () => {
    const directory = await temporaryDirectory()
    const account = await accountIn(directory)
    const lego = legoIn({ directory, pebble })
    const hooked = { hook: commandLine('hook', '--deadline', '110'), env: account.environment }
    for (const [count, step] of [lego.issue, lego.renew].entries()) {
      const { code, stdout } = await step(DOMAIN, hooked)
      expect([code, ids(account).length]).toEqual([0, count + 1])
      expect(stdout).toContain(`lego:${DOMAIN} uploaded as ${ids(account).at(-1)}`)
    }
    const source = { kind: 'lego', path: lego.root, keys: {} } as const
    expect(await sync(source, account)).toMatchObject({ outcome: 'unchanged' })
  })

  test('dehydrated runs the hook of install-hook, and succeeds whatever comes of it', async () => {
    const directory = await temporaryDirectory()
    const account = await accountIn(directory)
    const dehydrated = await dehydratedIn({ directory, pebble })
    onTestFinished(() => dehydrated.close())
    const source = { kind: 'dehydrated', path: join(dehydrated.root, 'certs'), keys: {} } as const
    expect(await program(['install-hook', 'dehydrated', ...optionOf(source)])).toMatchObject({ code: 0 })
    const issued = await dehydrated.issue(DOMAIN, { env: account.environment })
    expect([issued.code, ids(account).length], issued.stdout + issued.stderr).toEqual([0, 1])
    expect(issued.stdout).toContain(`dehydrated:${DOMAIN} uploaded as ${ids(account)[0]}`)
    expect(await sync(source, account)).toMatchObject({ outcome: 'unchanged' })

    const wrong = { ...account.environment, TENCENTCLOUD_SECRET_KEY: 'wrong' }
    const renewed = await dehydrated.renew(DOMAIN, { env: wrong })
    expect(renewed.code, renewed.stdout + renewed.stderr).toBe(0)
    expect(renewed.stdout).toContain('certferry failed with exit 77')
    expect(await sync(source, account)).toMatchObject({ outcome: 'uploaded', because: 'changed' })
  })
})

describe('Traefik', () => {
  /** Debian has no traefik: its file is written here as its source does it, with certificates that lego, on which it is built, got. */
  async function open() {
    const directory = await temporaryDirectory()
    const lego = legoIn({ directory, pebble })
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

  test('every certificate that it stores is uploaded once, with an RSA key in its own form', async () => {
    const { lego, store, source, account } = await open()
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

  test('every certificate that it stores under a daemon is uploaded at once', async () => {
    const { directory, lego, store, source, account } = await open()
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
