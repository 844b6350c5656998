import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import { secret } from '../../src/secret.ts'
import type { Credentials, Places } from '../../src/tencent/credentials.ts'
import { createCredentialProvider } from '../../src/tencent/credentials.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { AT_ONCE } from './credentialPlaces.ts'

const HOUR = 3_600_000

/** A machine's role whose credentials last an hour, counted by the test's clock. */
async function roleStage() {
  const clock = { now: 0 }
  const metadata = { asked: 0, answers: true, renews: true }
  let current: Credentials | undefined
  const role = async () => {
    metadata.asked += 1
    if (!metadata.answers) return 'it does not answer'
    if (!current || metadata.renews) {
      const secretKey = secret(`key-${metadata.asked}`)
      current = { origin: 'role', secretId: `id-${metadata.asked}`, secretKey, expiresAt: clock.now + HOUR }
    }
    return current
  }
  const home = await temporaryDirectory()
  return {
    clock,
    metadata,
    wallet: createCredentialProvider(
      { env: {}, home, profile: undefined, role, ...AT_ONCE },
      () => clock.now,
    ),
  }
}

async function fileStage() {
  const home = await temporaryDirectory()
  const file = join(home, 'credentials')
  const put = (id: string, key: string) => writeFile(file, `[default]\nsecret_id=${id}\nsecret_key=${key}\n`)
  const env = { TENCENTCLOUD_CREDENTIALS_FILE: file }
  const places: Places = { env, home, profile: undefined, role: async () => 'there is no role', ...AT_ONCE }
  return { file, put, wallet: createCredentialProvider(places, () => 0) }
}

const ids = (found: readonly Credentials[]) => [...new Set(found.map(({ secretId }) => secretId))]
const tenOf = <T>(ask: () => Promise<T>) => Promise.all(Array.from({ length: 10 }, ask))

describe('the credentials in force', () => {
  test('are found once, however many ask at the same time and later', async () => {
    const { wallet, metadata } = await roleStage()
    expect(ids(await tenOf(wallet.current))).toEqual(['id-1'])
    await wallet.current()
    expect(metadata.asked).toBe(1)
  })

  test("a role's are renewed five minutes before they end, once for all who ask", async () => {
    const { wallet, metadata, clock } = await roleStage()
    await wallet.current()
    clock.now = HOUR - 300_000
    expect(ids(await tenOf(wallet.current))).toEqual(['id-1'])
    clock.now += 1
    expect(ids(await tenOf(wallet.current))).toEqual(['id-2'])
    expect(metadata.asked).toBe(2)
  })

  test("a role's serve to their end while the machine gives no new ones", async () => {
    const { wallet, metadata, clock } = await roleStage()
    await wallet.current()
    metadata.answers = false
    clock.now = HOUR - 1
    expect((await wallet.current()).secretId).toBe('id-1')
    clock.now = HOUR
    await expect(wallet.current()).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' })
    metadata.answers = true
    expect((await wallet.current()).secretId).toMatch(/^id-/)
  })

  test('that could not be found are looked for again by who asks later', async () => {
    const { wallet, put } = await fileStage()
    const missing = await tenOf(() => wallet.current().catch((error: unknown) => error))
    expect(missing[0]).toBeInstanceOf(Fault)
    expect(new Set(missing).size).toBe(1)
    await put('id', 'key')
    expect((await wallet.current()).secretId).toBe('id')
  })
})

describe('renewing', () => {
  test('tells whether anything else came out', async () => {
    const { wallet, put } = await fileStage()
    await put('id', 'key')
    await wallet.current()
    expect(await wallet.renew()).toBe(false)
    await put('id', 'other-key')
    expect(await wallet.renew()).toBe(true)
    expect((await wallet.current()).secretKey.reveal()).toBe('other-key')
  })

  test('before anything was found counts as new', async () => {
    const { wallet, put } = await fileStage()
    await put('id', 'key')
    expect(await wallet.renew()).toBe(true)
  })

  test('after a search that failed counts as new', async () => {
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()]
    const found = { origin: 'role', secretId: 'id', secretKey: secret('key') }
    const roles = [() => answer.promise, async () => found]
    const role = () => {
      asked.resolve()
      return (roles.shift() ?? (async () => found))()
    }
    const wallet = createCredentialProvider(
      { env: {}, home: '/nowhere', profile: undefined, role, ...AT_ONCE },
      () => 0,
    )
    const asking = expect(wallet.current()).rejects.toMatchObject({ message: 'nonsense' })
    await asked.promise
    const renewing = wallet.renew()
    answer.reject(new Fault('CREDENTIALS_UNREADABLE', 'nonsense'))
    expect(await renewing).toBe(true)
    await asking
  })

  test('that finds nothing says so, and leaves no rejection behind that nobody handles', async () => {
    const { wallet } = await fileStage()
    const both = await Promise.allSettled([wallet.current(), wallet.renew()])
    const rejected = { status: 'rejected', reason: { code: 'CREDENTIALS_UNREADABLE' } }
    expect(both).toMatchObject([rejected, rejected])
  })
})
