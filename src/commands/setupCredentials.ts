/** The API key that setup puts where the service's unit looks for it. */
import { parse } from 'ini'
import { Fault } from '../core/fault.ts'
import { readText } from '../edge/files.ts'
import { presentText } from '../edge/setupFile.ts'
import type { Ask, World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { askKey } from './setupQuestions.ts'

export interface WantedText {
  readonly before: string | undefined
  readonly text: string
}

interface Place {
  readonly file: string
  readonly ask: Ask | undefined
}

/** From the file that was named, else the environment, else as it is, else as it is answered. @throws Fault CREDENTIALS_MISSING. */
export async function wantedCredentials(
  { env, cwd }: World,
  { credentialsFile }: CommandLine,
  { file, ask }: Place,
): Promise<WantedText> {
  const before = await presentText(file)
  if (credentialsFile !== undefined) return { before, text: await fromFile(credentialsFile, cwd) }
  const { TENCENTCLOUD_SECRET_ID: id, TENCENTCLOUD_SECRET_KEY: key, TENCENTCLOUD_TOKEN: token } = env
  // a token lives for hours: nothing to be stored
  if (id && key && !token) return { before, text: text(id, key) }
  if (before?.trim()) return { before, text: before }
  if (!ask)
    throw new Fault('CREDENTIALS_MISSING', `no API key was given, and ${file} is not there`, {
      advice: 'Name a file that holds it, --credentials-file FILE, or set TENCENTCLOUD_SECRET_ID and _KEY.',
    })
  const answered = await askKey(ask)
  return { before, text: text(answered.id, answered.key.reveal()) }
}

/** A character that no key has would make another line, or a comment, of what comes after it. */
function text(id: string, key: string): string {
  const clean = [id, key].map(word => word.trim())
  if (!clean.every(word => /^[\x21-\x3a\x3c\x3e-\x7e]+$/.test(word)))
    throw new Fault('CREDENTIALS_UNREADABLE', 'the API key is empty or has characters that no API key has')
  return `[default]\nsecret_id = ${clean[0]}\nsecret_key = ${clean[1]}\n`
}

async function fromFile(named: string, cwd: string): Promise<string> {
  const { resolve } = await import('node:path')
  const { text } = await readText(resolve(cwd, named)).catch(error => {
    throw error instanceof Fault ? new Fault('CREDENTIALS_UNREADABLE', error.message) : error
  })
  const section = parse(text).default as Record<string, unknown> | undefined
  if (!section?.secret_id || !section.secret_key)
    throw new Fault('CREDENTIALS_UNREADABLE', `${named}: [default] needs secret_id and secret_key`)
  return text
}
