/** A home directory with files in it, and the places where credentials are looked for. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { secret } from '../../src/secret.ts'
import { findCredentials, type Places } from '../../src/tencent/credentials.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

export const ENV = { TENCENTCLOUD_SECRET_ID: 'env-id', TENCENTCLOUD_SECRET_KEY: 'env-key' }
export const ini = (id: string, key: string, more = '') =>
  `[default]\nsecret_id = ${id}\nsecret_key = ${key}\n${more}`

/** Waits end at once. */
export const AT_ONCE = { now: () => new Date(), wait: async () => {} }

export async function stage(files: Readonly<Record<string, string>> = {}) {
  const home = await temporaryDirectory()
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(home, name)), { recursive: true })
    await writeFile(join(home, name), text)
  }
  const find = (places: Partial<Places> = {}) =>
    findCredentials({
      env: {},
      home,
      profile: undefined,
      role: async () => 'there is no role',
      ...AT_ONCE,
      ...places,
    })
  const foundAs = (places: Partial<Places> = {}) =>
    find(places).then(({ origin, secretId, secretKey, token }) => ({
      origin,
      secretId,
      secretKey: secretKey.reveal(),
      token: token?.reveal(),
    }))
  return { home, at: (name: string) => join(home, name), find, foundAs }
}

export const role = async () => ({ origin: 'role', secretId: 'role-id', secretKey: secret('role-key') })
