/** The API key that setup puts where the service's unit looks for it. */
import { resolve } from 'node:path'
import { isFit, type Key, withProfile } from '../core/credentialsText.ts'
import { Fault } from '../core/fault.ts'
import { draft, type FileChange } from '../core/setupPlan.ts'
import { missingIn } from '../edge/credentials.ts'
import { readTextFile } from '../edge/fileText.ts'
import { readIfExists } from '../edge/setupFile.ts'
import type { Ask, ProcessContext } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { yes } from './setupQuestions.ts'

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
  if (isThere && (await yes(ask, `There is an API key in ${file}. Keep it?`)))
    return draft(file, before, before)
  if (!ask)
    throw new Fault('CREDENTIALS_MISSING', `no API key was given, and there is none in ${file}`, {
      advice: 'Name a file that holds it, --credentials-file FILE, or set TENCENTCLOUD_SECRET_ID and _KEY.',
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
  throw new Fault('CREDENTIALS_UNREADABLE', 'the API key is empty or has characters that no API key has')
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
