/** Finds the account's credentials: environment, systemd credential, profile file, the role of the cloud machine. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { parse } from 'ini'
import { Fault } from '../errors.ts'
import {
  type FileContents,
  type OnSecret,
  type ReadOptions,
  readTextFile,
  type Waiting,
} from '../files/readFile.ts'
import { requireSafe } from '../files/safePath.ts'
import { readSettled } from '../files/settledFile.ts'
import { type Secret, secret } from '../secret.ts'
import { EXPIRY_MARGIN_MS } from '../util/schedule.ts'

/** What means something else to a reader of INI, or is in no API key: it would make another line, or a comment, of the rest. */
const UNFIT = /[^\x21-\x7e]|[;#="'[\]\\]/

/** A token may have the characters of Base64. */
const UNFIT_TOKEN = /[^\x21-\x7e]|["'`\\]/

/** What is wrong with half of a key, or with a token, in words that follow its place; nothing where it can be one. */
export function flawOf(word: string, what: 'key' | 'token' = 'key'): string | undefined {
  // a shell or systemd takes quotes off; docker --env-file, a mounted file and many others do not
  if (/^["'`].*["'`]$/s.test(word)) return 'stands in quotes, which would be part of it; take them off'
  if (word === '' || (what === 'token' ? UNFIT_TOKEN : UNFIT).test(word))
    return 'has blanks or other characters no credential has'
  return undefined
}

/** A hundred profiles take a tenth. In bytes; the INI reader needs three seconds for a megabyte of quotes. */
const LARGEST = 1 << 16

export interface Credentials {
  /** Where they came from, in words for `check` and the log; never what they are. */
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
  /** Asks the cloud machine for its role's credentials; tells in words why there are none. */
  readonly role: () => Promise<Credentials | string>
  readonly onSecret?: OnSecret | undefined
}

/** First found wins. @throws Fault CREDENTIALS_MISSING, or CREDENTIALS_UNREADABLE for a place that is half filled. */
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

/**
 * A key that is just being replaced is waited for: in the next place there may be that of another account. One that others
 * may replace is refused, for the same reason. @throws Fault as readText, or CREDENTIALS_UNREADABLE.
 */
async function readKey(file: string, places: Places, reading?: ReadOptions): Promise<FileContents> {
  const read = () => readTextFile(file, reading)
  const { CREDENTIALS_DIRECTORY: systemds } = places.env
  const isSystemds = systemds && file.startsWith(`${systemds}/`)
  // what systemd hands over was there, and whole, before this process was
  const found = await (isSystemds ? read() : readSettled(file, places, read))
  await places.onSecret?.({ file, mode: found.mode, what: 'API key' })
  requireSafe(file, 'CREDENTIALS_UNREADABLE', 'whoever writes it decides whose account receives private keys')
  return found
}

const TOKENS = ['TENCENTCLOUD_TOKEN', 'TENCENTCLOUD_SESSION_TOKEN', 'TENCENTCLOUD_SECURITY_TOKEN']

async function fromEnvironment(places: Places): Promise<Credentials | undefined> {
  const { env } = places
  const value = async (names: readonly string[], what?: 'token') => {
    for (const name of names) {
      if (env[name]) return clean(env[name], name, what)
      const file = env[`${name}_FILE`]
      if (file) return clean((await readKey(file, places).catch(asUnreadable)).text, file, what)
    }
    return undefined
  }
  const secretId = await value(['TENCENTCLOUD_SECRET_ID'])
  const secretKey = await value(['TENCENTCLOUD_SECRET_KEY'])
  const token = await value(TOKENS, 'token')
  if (!secretId && !secretKey) return undefined
  if (!secretId || !secretKey) {
    throw new Fault(
      'CREDENTIALS_UNREADABLE',
      `TENCENTCLOUD_SECRET_${secretId ? 'KEY' : 'ID'} is missing beside the other half`,
    )
  }
  return credentials('environment', secretId, secretKey, token)
}

async function fromFile(file: string, places: Places, mustExist: boolean): Promise<Credentials | undefined> {
  const { profile = 'default' } = places
  const read = await readKey(file, places, { most: LARGEST }).catch(error => {
    if (error instanceof Fault && error.code === 'FILE_MISSING' && !mustExist) return undefined
    return asUnreadable(error)
  })
  if (!read) return undefined
  const section = sectionOf(parse(read.text.replace(/^\ufeff/, '')), profile)
  if (typeof section !== 'object' || section === null)
    throw new Fault('CREDENTIALS_UNREADABLE', `${file}: has no profile [${profile}]`)
  const { secret_id, secret_key, token } = section as Record<string, unknown>
  const at = (key: string) => `${file}: [${profile}] ${key}`
  if (typeof secret_id !== 'string' || typeof secret_key !== 'string' || !secret_id || !secret_key) {
    throw new Fault('CREDENTIALS_UNREADABLE', `${file}: [${profile}] needs secret_id and secret_key`)
  }
  const tokenText = typeof token === 'string' && token ? clean(token, at('token'), 'token') : undefined
  const id = clean(secret_id, at('secret_id'))
  return credentials(`${file} [${profile}]`, id, clean(secret_key, at('secret_key')), tokenText)
}

/** What keeps a credentials file's text from having a key under this profile, or nothing. */
export function missingIn(text: string, profile: string): string | undefined {
  const section = sectionOf(parse(text.replace(/^\ufeff/, '')), profile) as
    | Record<string, unknown>
    | undefined
  for (const key of ['secret_id', 'secret_key']) {
    const half = section?.[key]
    if (typeof half !== 'string' || half === '') return `[${profile}] needs secret_id and secret_key`
    const flaw = flawOf(half.trim())
    if (flaw) return `[${profile}] ${key}: ${flaw}`
  }
  return undefined
}

/** The INI reader takes `[ops.east]` for a section within a section. */
const sectionOf = (ini: Record<string, unknown>, profile: string) =>
  profile
    .split('.')
    .reduce<unknown>((section, part) => (section as Record<string, unknown> | undefined)?.[part], ini)

const credentials = (
  origin: string,
  secretId: string,
  secretKey: string,
  token: string | undefined,
): Credentials => ({
  origin,
  secretId,
  secretKey: secret(secretKey),
  ...(token && { token: secret(token) }),
})

/** A newline, blank or quote that was pasted along makes a wrong signature, which no message of the service would explain. */
function clean(text: string, where: string, what?: 'token'): string {
  const trimmed = text.trim()
  const flaw = flawOf(trimmed, what)
  if (flaw) throw new Fault('CREDENTIALS_UNREADABLE', `${where}: ${flaw}`)
  return trimmed
}

function asUnreadable(error: unknown): never {
  // what may pass is tried again, and does not stop the account
  if (error instanceof Fault && error.code !== 'CREDENTIALS_UNREADABLE' && error.exit !== 75)
    throw new Fault('CREDENTIALS_UNREADABLE', error.message)
  throw error
}

/** Tells one set of credentials from another; a digest, so that it may be kept and compared, and never shown. */
export const markOf = ({ secretId, secretKey, token }: Credentials): string =>
  createHash('sha256')
    .update([secretId, secretKey.reveal(), token?.reveal() ?? ''].join('\0'))
    .digest('hex')

export interface CredentialProvider {
  /** The credentials in force, those of a role fresh enough to last the request. */
  readonly current: () => Promise<Credentials>
  /** Reads everything anew; true when something else came out, so that trying again makes sense. */
  readonly renew: () => Promise<boolean>
}

export function createCredentialProvider(places: Places, now: () => number): CredentialProvider {
  let held: Promise<Credentials> | undefined
  /** Shared by all who ask meanwhile. Should it fail, `until` serves to its very end; a failure itself is not kept. */
  const look = (until?: Credentials): Promise<Credentials> => {
    const found = findCredentials(places).catch(error => {
      if (until?.expiresAt !== undefined && now() < until.expiresAt) return until
      if (held === found) held = undefined
      throw error
    })
    held = found
    return found
  }
  return {
    current: async () => {
      const asked = held ?? look()
      const credentials = await asked
      if (credentials.expiresAt === undefined || now() <= credentials.expiresAt - EXPIRY_MARGIN_MS)
        return credentials
      // of many who find them stale the first looks anew, the others wait for what it finds
      return held && held !== asked ? held : look(credentials)
    },
    renew: async () => {
      const [before, after] = await Promise.all([held?.catch(() => undefined), look()])
      return !sameCredentials(before, after)
    },
  }
}

const sameCredentials = (a: Credentials | undefined, b: Credentials) =>
  a?.secretId === b.secretId &&
  a.secretKey.reveal() === b.secretKey.reveal() &&
  a.token?.reveal() === b.token?.reveal()
