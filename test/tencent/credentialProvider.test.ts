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

/** A machine's role whose credentials are valid for an hour of the test's clock. */
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
    provider: createCredentialProvider(
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
  return { file, put, provider: createCredentialProvider(places, () => 0) }
}

const ids = (found: readonly Credentials[]) => [...new Set(found.map(({ secretId }) => secretId))]
const tenOf = <T>(ask: () => Promise<T>) => Promise.all(Array.from({ length: 10 }, ask))

describe('the current credentials', () => {
  test('are loaded once for all callers', async () => {
    const { provider, metadata } = await roleStage()
    expect(ids(await tenOf(provider.current))).toEqual(['id-1'])
    await provider.current()
    expect(metadata.asked).toBe(1)
  })

  test('of a role are renewed five minutes before they expire, once for all callers', async () => {
    const { provider, metadata, clock } = await roleStage()
    await provider.current()
    clock.now = HOUR - 300_000
    expect(ids(await tenOf(provider.current))).toEqual(['id-1'])
    clock.now += 1
    expect(ids(await tenOf(provider.current))).toEqual(['id-2'])
    expect(metadata.asked).toBe(2)
  })

  test('of a role are used until they expire if there are no new ones', async () => {
    const { provider, metadata, clock } = await roleStage()
    await provider.current()
    metadata.answers = false
    clock.now = HOUR - 1
    expect((await provider.current()).secretId).toBe('id-1')
    clock.now = HOUR
    await expect(provider.current()).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' })
    metadata.answers = true
    expect((await provider.current()).secretId).toMatch(/^id-/)
  })

  test('that were not found are searched again at the next call', async () => {
    const { provider, put } = await fileStage()
    const missing = await tenOf(() => provider.current().catch((error: unknown) => error))
    expect(missing[0]).toBeInstanceOf(Fault)
    expect(new Set(missing).size).toBe(1)
    await put('id', 'key')
    expect((await provider.current()).secretId).toBe('id')
  })
})

describe('renewing credentials', () => {
  test('returns whether they have changed', async () => {
    const { provider, put } = await fileStage()
    await put('id', 'key')
    await provider.current()
    expect(await provider.renew()).toBe(false)
    await put('id', 'other-key')
    expect(await provider.renew()).toBe(true)
    expect((await provider.current()).secretKey.reveal()).toBe('other-key')
  })

  test('before the first search is a change', async () => {
    const { provider, put } = await fileStage()
    await put('id', 'key')
    expect(await provider.renew()).toBe(true)
  })

  test('after a failed search is a change', async () => {
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()]
    const found = { origin: 'role', secretId: 'id', secretKey: secret('key') }
    const roles = [() => answer.promise, async () => found]
    const role = () => {
      asked.resolve()
      return (roles.shift() ?? (async () => found))()
    }
    const provider = createCredentialProvider(
      { env: {}, home: '/nowhere', profile: undefined, role, ...AT_ONCE },
      () => 0,
    )
    const asking = expect(provider.current()).rejects.toMatchObject({ message: 'nonsense' })
    await asked.promise
    const renewing = provider.renew()
    answer.reject(new Fault('CREDENTIALS_UNREADABLE', 'nonsense'))
    expect(await renewing).toBe(true)
    await asking
  })

  test('that finds none throws, without an unhandled rejection', async () => {
    const { provider } = await fileStage()
    const both = await Promise.allSettled([provider.current(), provider.renew()])
    const rejected = { status: 'rejected', reason: { code: 'CREDENTIALS_UNREADABLE' } }
    expect(both).toMatchObject([rejected, rejected])
  })
})
