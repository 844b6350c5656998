/** Finds the account's credentials: environment, systemd credential, profile file, the role of the cloud machine. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { parse } from 'ini'
import { Fault } from '../errors.ts'
import {
  type FileContents,
  type OnSecret,
  type ReadOptions,
  readStableFile,
  readTextFile,
  type Waiting,
} from '../files/readFile.ts'
import { requireSafe } from '../files/safePath.ts'
import { type Secret, secret } from '../secret.ts'
import { EXPIRY_MARGIN_MS } from '../util/schedule.ts'

export interface Credentials {
  /** Where they were found, as shown by `check` and in the log. */
  readonly origin: string
  readonly secretId: string
  readonly secretKey: Secret
  readonly token?: Secret
  /** Milliseconds since 1970, for those of a role. */
  readonly expiresAt?: number
}

export interface Places extends Waiting {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly profile: string | undefined
  /** Asks the cloud machine for its role's credentials; a text says why there are none. */
  readonly role: () => Promise<Credentials | string>
  readonly onSecret?: OnSecret | undefined
}

/** The first place that has any. @throws Fault CREDENTIALS_MISSING, or CREDENTIALS_UNREADABLE for an incomplete place. */
export async function findCredentials(places: Places): Promise<Credentials> {
  const { env, home, role } = places
  const named = env.TENCENTCLOUD_CREDENTIALS_FILE
  const files = [
    ...(env.CREDENTIALS_DIRECTORY ? [join(env.CREDENTIALS_DIRECTORY, 'tencentcloud')] : []),
    ...(named ? [named] : [join(home, '.tencentcloud', 'credentials'), '/etc/tencentcloud/credentials']),
  ]
  const found = await fromEnvironment(places)
  if (found) return found
  for (const file of files) {
    const inFile = await fromFile(file, places, file === named)
    if (inFile) return inFile
  }
  const ofRole = await role()
  if (typeof ofRole === 'object') return ofRole
  throw new Fault(
    'CREDENTIALS_MISSING',
    `no credentials: not in the environment, not in ${files.join(' or ')}, and ${ofRole}`,
  )
}

/** A key has none of the characters that an INI reader treats specially; a token may have those of Base64. */
const INVALID = { key: /[^\x21-\x7e]|[;#="'[\]\\]/, token: /[^\x21-\x7e]|["'`\\]/ } as const

/** What is wrong with a part of a key, or with a token: words that follow its place. */
export function flawOf(text: string, kind: keyof typeof INVALID = 'key'): string | undefined {
  // a shell or systemd takes quotes off; docker --env-file, a mounted file and many others do not
  if (/^["'`].*["'`]$/s.test(text)) return 'is in quotes, which would be part of it; remove them'
  return text === '' || INVALID[kind].test(text)
    ? 'has blanks or other characters no credential has'
    : undefined
}

/** The text without surrounding blanks. The service would answer others with "wrong signature". */
function clean(text: string, where: string, kind?: keyof typeof INVALID): string {
  const flaw = flawOf(text.trim(), kind)
  if (flaw) throw new Fault('CREDENTIALS_UNREADABLE', `${where}: ${flaw}`)
  return text.trim()
}

const TOKENS = ['TENCENTCLOUD_TOKEN', 'TENCENTCLOUD_SESSION_TOKEN', 'TENCENTCLOUD_SECURITY_TOKEN']

async function fromEnvironment(places: Places): Promise<Credentials | undefined> {
  const { env } = places
  const value = async (names: readonly string[], kind?: 'token') => {
    for (const name of names) {
      if (env[name]) return clean(env[name], name, kind)
      const file = env[`${name}_FILE`]
      if (file) return clean((await readKey(file, places).catch(asUnreadable)).text, file, kind)
    }
    return undefined
  }
  const secretId = await value(['TENCENTCLOUD_SECRET_ID'])
  const secretKey = await value(['TENCENTCLOUD_SECRET_KEY'])
  const token = await value(TOKENS, 'token')
  if (!secretId && !secretKey) return undefined
  if (!secretId || !secretKey) {
    const missing = `TENCENTCLOUD_SECRET_${secretId ? 'KEY' : 'ID'}`
    throw new Fault('CREDENTIALS_UNREADABLE', `${missing} is missing, but the other half is set`)
  }
  return credentials('environment', { secretId, secretKey, token })
}

/** A hundred profiles take a tenth. In bytes; the INI reader needs three seconds for a megabyte of quotes. */
const LARGEST = 1 << 16

async function fromFile(file: string, places: Places, mustExist: boolean): Promise<Credentials | undefined> {
  const { profile = 'default' } = places
  const read = await readKey(file, places, { most: LARGEST }).catch(error => {
    if (error instanceof Fault && error.code === 'FILE_MISSING' && !mustExist) return undefined
    return asUnreadable(error)
  })
  if (!read) return undefined
  const found = readProfile(read.text, profile)
  if (typeof found === 'string') throw new Fault('CREDENTIALS_UNREADABLE', `${file}: ${found}`)
  return credentials(`${file} [${profile}]`, found)
}

/** Why a credentials file's text has no valid key under this profile; nothing if it has one. */
export function missingIn(text: string, profile: string): string | undefined {
  const found = readProfile(text, profile)
  return typeof found === 'string' ? found : undefined
}

interface ApiKey {
  readonly secretId: string
  readonly secretKey: string
  readonly token: string | undefined
}

/** The key, or why there is no valid one. */
export function readProfile(text: string, profile: string): ApiKey | string {
  const ini: unknown = parse(text.replace(/^\ufeff/, ''))
  // the INI reader takes `[ops.east]` for a section within a section
  const section = profile
    .split('.')
    .reduce((outer, name) => (outer as Record<string, unknown> | undefined)?.[name], ini)
  if (typeof section !== 'object' || section === null) return `has no profile [${profile}]`
  const { secret_id, secret_key, token } = section as Record<string, unknown>
  if (typeof secret_id !== 'string' || typeof secret_key !== 'string' || !secret_id || !secret_key)
    return `[${profile}] needs secret_id and secret_key`
  const tokenText = typeof token === 'string' && token ? token.trim() : undefined
  const key = { secretId: secret_id.trim(), secretKey: secret_key.trim(), token: tokenText }
  const flaws = {
    secret_id: flawOf(key.secretId),
    secret_key: flawOf(key.secretKey),
    token: key.token === undefined ? undefined : flawOf(key.token, 'token'),
  }
  for (const [name, flaw] of Object.entries(flaws)) if (flaw) return `[${profile}] ${name}: ${flaw}`
  return key
}

const credentials = (origin: string, { secretId, secretKey, token }: ApiKey): Credentials => ({
  origin,
  secretId,
  secretKey: secret(secretKey),
  ...(token && { token: secret(token) }),
})

/**
 * Waits while a key is being replaced: the next place may have the key of another account. Refuses a key that other users may
 * replace, for the same reason. @throws Fault as readText, or CREDENTIALS_UNREADABLE.
 */
async function readKey(file: string, places: Places, options?: ReadOptions): Promise<FileContents> {
  const read = () => readTextFile(file, options)
  const { CREDENTIALS_DIRECTORY: directory } = places.env
  // systemd's credentials were complete before this process started
  const isSystemds = directory && file.startsWith(`${directory}/`)
  const found = await (isSystemds ? read() : readStableFile(file, places, read))
  await places.onSecret?.({ file, mode: found.mode, what: 'API key' })
  requireSafe(file, 'CREDENTIALS_UNREADABLE', 'it decides whose account receives private keys')
  return found
}

function asUnreadable(error: unknown): never {
  // what is temporary is tried again and does not stop the account
  if (error instanceof Fault && error.code !== 'CREDENTIALS_UNREADABLE' && error.exit !== 75)
    throw new Fault('CREDENTIALS_UNREADABLE', error.message)
  throw error
}

/** A digest that differs for another set of credentials; it may be kept. */
export const markOf = ({ secretId, secretKey, token }: Credentials): string =>
  createHash('sha256')
    .update([secretId, secretKey.reveal(), token?.reveal() ?? ''].join('\0'))
    .digest('hex')

export interface CredentialProvider {
  /** The current credentials; those of a role are valid long enough for a request. */
  readonly current: () => Promise<Credentials>
  /** Reads everything again; true if the credentials have changed, so that trying again makes sense. */
  readonly renew: () => Promise<boolean>
}

export function createCredentialProvider(places: Places, now: () => number): CredentialProvider {
  let cached: Promise<Credentials> | undefined
  /** Loads once for all callers. If that fails, `stale` is used until it expires; the failure is not cached. */
  const load = (stale?: Credentials): Promise<Credentials> => {
    const loading = findCredentials(places).catch(error => {
      if (stale?.expiresAt !== undefined && now() < stale.expiresAt) return stale
      if (cached === loading) cached = undefined
      throw error
    })
    cached = loading
    return loading
  }
  return {
    current: async () => {
      const asked = cached ?? load()
      const found = await asked
      if (found.expiresAt === undefined || now() <= found.expiresAt - EXPIRY_MARGIN_MS) return found
      // of many callers that find them stale the first loads, the others wait for that
      return cached && cached !== asked ? cached : load(found)
    },
    renew: async () => {
      const [before, after] = await Promise.all([cached?.catch(() => undefined), load()])
      return !before || markOf(before) !== markOf(after)
    },
  }
}
