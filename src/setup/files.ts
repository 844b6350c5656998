/** The configuration and the API key as setup wants them, and how it writes files: atomically, with a backup beside them. */
import { chmod, constants, copyFile, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { CommandLine } from '../config/commandLine.ts'
import { readConfigText } from '../config/load.ts'
import { tomlAssignment } from '../config/print.ts'
import type { Config } from '../config/schema.ts'
import { parseToml } from '../config/toml.ts'
import { Fault } from '../errors.ts'
import { makeFolders, replaceFileAtomic } from '../files/atomicWrite.ts'
import { readTextFile } from '../files/readFile.ts'
import { requireSafe, type Unsafe, unsafePath, unsafePlace } from '../files/safePath.ts'
import { probeDirectory } from '../files/writeProbe.ts'
import type { Ask, ProcessContext } from '../processContext.ts'
import { flawOf, missingIn, readProfile } from '../tencent/credentials.ts'
import { draft, type FileChange, type SetupChoices, type WriteStep } from './plan.ts'
import { type HostSurvey, readIfExists, yes } from './survey.ts'

/** Sources are written only if the usual ones would not do. @throws Fault CONFIG_INVALID. */
export async function wantedConfig(
  { source }: CommandLine,
  endpoint: string | undefined,
  clients: SetupChoices['clients'],
  { places, configText, config, found, directories }: HostSurvey,
  replace: true | undefined,
): Promise<FileChange> {
  const isUsual =
    !source?.length && !config.source?.length && found.every(({ client }) => clients.includes(client))
  const sources = isUsual ? [] : clients.map(kind => ({ kind, path: directories[kind] }))
  const text = withWanted(configText ?? '', config, { endpoint, sources, replace })
  const result = await readConfigText(text)
  const isWritten =
    (endpoint === undefined || result.config.tencent?.endpoint === endpoint) &&
    (!replace || result.config.deploy?.replace === true)
  if (result.problems.length || !isWritten)
    throw new Fault('CONFIG_INVALID', `${places.config}: setup cannot change this file safely`, {
      advice: 'Edit it by hand, and run certferry setup again.',
    })
  return draft(places.config, configText, text)
}

interface Wanted {
  /** Undefined: leave as it is. */
  readonly endpoint: string | undefined
  readonly replace?: true | undefined
  readonly sources: ReadonlyArray<{ readonly kind: string; readonly path: string }>
}

/** Adds only what is missing: a second setup changes nothing. */
export function withWanted(text: string, config: Config, { endpoint, replace, sources }: Wanted): string {
  const isNew = endpoint !== undefined && config.tencent?.endpoint !== endpoint
  const withEndpoint = isNew ? withKey(text, ['tencent', 'endpoint'], endpoint) : text
  const changed =
    replace && !config.deploy?.replace ? withKey(withEndpoint, ['deploy', 'replace'], true) : withEndpoint
  const tables = sources
    .filter(({ kind, path }) => !config.source?.some(one => one.kind === kind && one.path === path))
    .map(
      ({ kind, path }) => `\n[[source]]\n${tomlAssignment('kind', kind)}\n${tomlAssignment('path', path)}\n`,
    )
  return tables.length ? `${changed.replace(/\n*$/, '\n')}${tables.join('')}` : changed
}

/** Replaces the present line, or a comment with the key below the table's head; else adds a line below the head. */
function withKey(
  text: string,
  [table, name]: readonly [table: string, name: string],
  value: string | boolean,
): string {
  const { positionOf } = parseToml(text)
  const assignment = tomlAssignment(name, value)
  const lines = text.split('\n')
  const key = (positionOf([table, name])?.line ?? 0) - 1
  if (new RegExp(`^\\s*${name}\\s*=`).test(lines[key] ?? '')) return lines.with(key, assignment).join('\n')
  const head = positionOf([table])?.line ?? 0
  if (!new RegExp(`^\\s*\\[\\s*${table}\\s*\\]`).test(lines[head - 1] ?? ''))
    return `${text ? text.replace(/\n*$/, '\n\n') : ''}[${table}]\n${assignment}\n`
  const next = lines.findIndex((line, i) => i >= head && /^\s*\[/.test(line))
  const asComment = new RegExp(`^#\\s*${name}\\s*=`)
  const comment = lines.findIndex((line, i) => i >= head && asComment.test(line))
  const isInTable = comment >= 0 && (next < 0 || comment < next)
  return (isInTable ? lines.with(comment, assignment) : lines.toSpliced(head, 0, assignment)).join('\n')
}

/** The lines that are new in a text. */
export function linesAdded(before: string, after: string): readonly string[] {
  const known = new Set(before.split('\n'))
  return after.split('\n').filter(line => line !== '' && !known.has(line))
}

interface Key {
  readonly secretId: string
  readonly secretKey: string
  readonly token?: string | undefined
}

/**
 * The credentials file as it should be: with the key of the file that was named, else with the key of the environment, else as it is, else
 * with the key that is typed; other profiles stay. @throws Fault CREDENTIALS_MISSING, CREDENTIALS_UNREADABLE.
 */
export async function wantedCredentials(
  { env, cwd }: ProcessContext,
  { credentialsFile }: CommandLine,
  { file, profile, ask }: { readonly file: string; readonly profile: string; readonly ask: Ask | undefined },
): Promise<FileChange> {
  const before = await readIfExists(file)
  if (credentialsFile !== undefined) {
    const { text, key } = await credentialsIn(resolve(cwd, credentialsFile), profile, env)
    return draft(file, before, before?.trim() ? withProfile(before, profile, key) : text)
  }
  const withKey = (key: Key) => draft(file, before, withProfile(before ?? '', profile, key))
  const { TENCENTCLOUD_SECRET_ID: secretId, TENCENTCLOUD_SECRET_KEY: secretKey } = env
  // with a token the key lives for hours: it is not stored
  if (secretId && secretKey && !env.TENCENTCLOUD_TOKEN) {
    const key = { secretId: secretId.trim(), secretKey: secretKey.trim() }
    if (isFit(key)) return withKey(key)
    throw new Fault('CREDENTIALS_UNREADABLE', 'the API key is empty or has invalid characters')
  }
  const hasKey = before !== undefined && missingIn(before, profile) === undefined
  if (hasKey && (await yes(ask, `${file} has an API key. Keep it?`))) return draft(file, before, before)
  if (!ask)
    throw new Fault('CREDENTIALS_MISSING', `no API key was given, and ${file} has none`, {
      advice: 'Use --credentials-file FILE, or set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY.',
    })
  for (let why = ''; ; ) {
    const secretId = await ask(
      `${why}The API key, from the console (Access Management, Access Key).\nSecretId: `,
    )
    const key = { secretId, secretKey: await ask('SecretKey (not shown): ', true) }
    const flaws = { SecretId: flawOf(key.secretId), SecretKey: flawOf(key.secretKey) }
    if (isFit(key)) return withKey(key)
    why = Object.entries(flaws)
      .filter(([, flaw]) => flaw)
      .map(([name, flaw]) => `The ${name} ${flaw}.\n`)
      .join('')
  }
}

export const isFit = ({ secretId, secretKey }: Key): boolean =>
  [secretId, secretKey].every(word => !flawOf(word))

/** Replaces the section of this profile, or adds it at the end. */
export function withProfile(text: string, profile: string, { secretId, secretKey, token }: Key): string {
  const key = `secret_id = ${secretId}\nsecret_key = ${secretKey}`
  const section = `[${profile}]\n${key}${token ? `\ntoken = ${token}` : ''}`
  const lines = text.split('\n')
  const begin = lines.findIndex(line => line.trim() === `[${profile}]`)
  if (begin < 0) return `${text.trimEnd()}${text.trim() ? '\n\n' : ''}${section}\n`
  const next = lines.findIndex((line, i) => i > begin && /^\s*\[/.test(line))
  const rest = next < 0 ? [] : ['', ...lines.slice(next)]
  return `${[...lines.slice(0, begin), section, ...rest].join('\n').trimEnd()}\n`
}

/** Its text whole, with comments and other profiles, and the key under this one. It may belong to the user who called sudo. */
async function credentialsIn(
  path: string,
  profile: string,
  env: ProcessContext['env'],
): Promise<{ readonly text: string; readonly key: Key }> {
  const { text } = await readTextFile(path).catch(error => {
    throw error instanceof Fault ? new Fault('CREDENTIALS_UNREADABLE', error.message) : error
  })
  const caller = Number(env.SUDO_UID || 0)
  requireSafe(path, 'CREDENTIALS_UNREADABLE', 'it decides whose account receives private keys', caller)
  const key = readProfile(text, profile)
  if (typeof key !== 'string') return { text, key }
  throw new Fault('CREDENTIALS_UNREADABLE', `${path}: ${key}`)
}

/** Called before the first question. @throws Fault SETUP_UNWRITABLE. */
export async function requireWritable(path: string): Promise<void> {
  requireOwn(unsafePlace(path))
  const { refusal, nearest } = await probeDirectory(dirname(path))
  if (refusal) throw new Fault('SETUP_UNWRITABLE', `${path}: ${nearest} cannot be written (${refusal})`)
}

/** Resolves to the path of the backup, if one is kept. A link is followed: its owner keeps the file elsewhere. @throws Fault SETUP_UNWRITABLE. */
export const replaceFile = (
  path: string,
  { text, mode, keep, now }: Pick<WriteStep, 'mode' | 'keep'> & { readonly text: string; readonly now: Date },
): Promise<string | undefined> =>
  onDisk(path, async () => {
    const file = await realpath(path).catch(() => path)
    const folder = dirname(file)
    // readable for other users: a secret in it has a mode of its own
    for (const made of makeFolders(folder)) await chmod(made, 0o755)
    // in a folder such as /tmp another user may have created it first
    requireOwn(unsafePath(folder))
    const backup = keep ? await backupFile(file, { mode, now }) : undefined
    await replaceFileAtomic(file, text, mode)
    return backup
  })

/**
 * Copies a file to a name with the time, never executable: a client would run it as another hook. Undefined if there is no
 * file.
 */
export const backupFile = (
  path: string,
  { mode, now }: { readonly mode: number; readonly now: Date },
): Promise<string | undefined> =>
  onDisk(path, async () => {
    const before = await stat(path).catch(() => undefined)
    if (!before) return undefined
    // copying a pipe would wait for its writer, and a device has no end
    if (!before.isFile()) throw new Fault('FILE_INVALID', `${path}: is not a regular file`)
    const backup = `${path}.bak-${now.toISOString().replace(/[-:]|\.\d+/g, '')}`
    await copyFile(path, backup, constants.COPYFILE_EXCL)
    await chmod(backup, before.mode & mode & 0o666)
    return backup
  })

/** Another user who controls the place would get what is written there, or redirect it. */
function requireOwn(unsafe: Unsafe | undefined): void {
  if (!unsafe) return
  throw new Fault('SETUP_UNWRITABLE', `${unsafe.path}: ${unsafe.says}`, { advice: `${unsafe.advice}.` })
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    requireOwn(unsafePlace(path))
    return await work()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (!code || error instanceof Fault) throw error
    throw new Fault('SETUP_UNWRITABLE', `${path}: cannot be read or written (${code})`, { cause: error })
  }
}
