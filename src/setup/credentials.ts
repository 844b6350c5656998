/** The API key that setup puts where the service's unit looks for it. */
import { resolve } from 'node:path'
import type { CommandLine } from '../config/commandLine.ts'
import { Fault } from '../errors.ts'
import { readTextFile } from '../files/readFile.ts'
import type { Ask, ProcessContext } from '../processContext.ts'
import { flawOf, missingIn } from '../tencent/credentials.ts'
import { readIfExists } from './files.ts'
import { draft, type FileChange } from './plan.ts'
import { yes } from './questions.ts'

interface Key {
  readonly secretId: string
  readonly secretKey: string
}

export const isFit = ({ secretId, secretKey }: Key): boolean =>
  [secretId, secretKey].every(word => !flawOf(word))

/** The section of this profile is replaced whole, or added at the end. */
export function withProfile(text: string, profile: string, { secretId, secretKey }: Key): string {
  const section = `[${profile}]\nsecret_id = ${secretId}\nsecret_key = ${secretKey}`
  const lines = text.split('\n')
  const begin = lines.findIndex(line => line.trim() === `[${profile}]`)
  if (begin < 0) return `${text.trimEnd()}${text.trim() ? '\n\n' : ''}${section}\n`
  const next = lines.findIndex((line, i) => i > begin && /^\s*\[/.test(line))
  const rest = next < 0 ? [] : ['', ...lines.slice(next)]
  return `${[...lines.slice(0, begin), section, ...rest].join('\n').trimEnd()}\n`
}

interface Place {
  readonly file: string
  readonly profile: string
  readonly ask: Ask | undefined
}

/**
 * From the file that was named, else the environment, else as it is, else as it is answered; other profiles of the file
 * stay. @throws Fault CREDENTIALS_MISSING, CREDENTIALS_UNREADABLE.
 */
export async function wantedCredentials(
  { env, cwd }: ProcessContext,
  { credentialsFile }: CommandLine,
  { file, profile, ask }: Place,
): Promise<FileChange> {
  const before = await readIfExists(file)
  if (credentialsFile !== undefined)
    return draft(file, before, await textOf(resolve(cwd, credentialsFile), profile))
  const replaced = (key: Key) => draft(file, before, withProfile(before ?? '', profile, fit(key)))
  const {
    TENCENTCLOUD_SECRET_ID: secretId,
    TENCENTCLOUD_SECRET_KEY: secretKey,
    TENCENTCLOUD_TOKEN: token,
  } = env
  // a token lives for hours: nothing to be stored
  if (secretId && secretKey && !token) return replaced({ secretId, secretKey })
  const isThere = before !== undefined && missingIn(before, profile) === undefined
  if (isThere && (await yes(ask, `${file} has an API key. Keep it?`))) return draft(file, before, before)
  if (!ask)
    throw new Fault('CREDENTIALS_MISSING', `no API key was given, and ${file} has none`, {
      advice: 'Use --credentials-file FILE, or set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY.',
    })
  return replaced(await askKey(ask))
}

/** Both halves are one question to whoever answers it: they are copied from one page of the console. */
async function askKey(ask: Ask): Promise<Key> {
  for (;;) {
    const secretId = await ask('The API key, from the console (Access Management, Access Key).\nSecretId: ')
    const key = { secretId, secretKey: await ask('SecretKey (not shown): ', true) }
    if (isFit(key)) return key
  }
}

function fit(key: Key): Key {
  const trimmed = { secretId: key.secretId.trim(), secretKey: key.secretKey.trim() }
  if (isFit(trimmed)) return trimmed
  throw new Fault('CREDENTIALS_UNREADABLE', 'the API key is empty or has invalid characters')
}

/** As it is, comments and other profiles with it. */
async function textOf(path: string, profile: string): Promise<string> {
  const { text } = await readTextFile(path).catch(error => {
    throw error instanceof Fault ? new Fault('CREDENTIALS_UNREADABLE', error.message) : error
  })
  const missing = missingIn(text, profile)
  if (missing === undefined) return text
  throw new Fault('CREDENTIALS_UNREADABLE', `${path}: ${missing}`)
}
