/** Files that setup writes for an administrator: whole or not at all, and what was there before is kept beside them. */
import { chmod, constants, copyFile, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { tomlAssignment } from '../config/print.ts'
import type { Config } from '../config/schema.ts'
import { parseToml } from '../config/toml.ts'
import type { PositionOf } from '../config/values.ts'
import { Fault } from '../errors.ts'
import { replaceFileAtomic } from '../files/atomicWrite.ts'
import { makeFolders } from '../files/makeDirectory.ts'
import { readTextFile } from '../files/readFile.ts'
import { type Unsafe, unsafePath, unsafePlace } from '../files/safePath.ts'
import { probeDirectory } from '../files/writeProbe.ts'

interface Wanted {
  /** Undefined where what is in force serves. */
  readonly endpoint: string | undefined
  /** Sources to be looked at and no others; empty where what is in force serves. */
  readonly sources: ReadonlyArray<{ readonly kind: string; readonly path: string }>
}

/** Only what is not in force yet is written: a second setup changes nothing. Whoever writes it proves it with a parser. */
export function withWanted(text: string, now: Config, { endpoint, sources }: Wanted): string {
  const missing = sources.filter(
    ({ kind, path }) => !now.source?.some(one => one.kind === kind && one.path === path),
  )
  const told = endpoint !== undefined && now.tencent?.endpoint !== endpoint
  const blocks = missing.map(
    ({ kind, path }) => `\n[[source]]\n${tomlAssignment('kind', kind)}\n${tomlAssignment('path', path)}\n`,
  )
  const begun = told ? withEndpoint(text, endpoint, parseToml(text).positionOf) : text
  return blocks.length ? `${begun.replace(/\n*$/, '\n')}${blocks.join('')}` : begun
}

/** In place of the one there is, or of the one that is commented out below the table's head, else right below that. */
function withEndpoint(text: string, endpoint: string, positionOf: PositionOf): string {
  const assignment = tomlAssignment('endpoint', endpoint)
  const lines = text.split('\n')
  const isAt = (line: number | undefined, pattern: RegExp) =>
    line !== undefined && pattern.test(lines[line - 1] ?? '')
  const head = positionOf(['tencent'])?.line ?? 0
  const key = positionOf(['tencent', 'endpoint'])?.line
  if (isAt(key, /^\s*endpoint\s*=/)) return lines.with((key ?? 0) - 1, assignment).join('\n')
  if (!isAt(head, /^\s*\[\s*tencent\s*\]/))
    return `${text ? text.replace(/\n*$/, '\n\n') : ''}[tencent]\n${assignment}\n`
  const next = lines.findIndex((line, i) => i >= head && /^\s*\[/.test(line))
  const within = lines.slice(0, next < 0 ? lines.length : next)
  const comment = within.findIndex((line, i) => i >= head && /^#\s*endpoint\s*=/.test(line))
  return (comment < 0 ? lines.toSpliced(head, 0, assignment) : lines.with(comment, assignment)).join('\n')
}

/** The lines that are new in a text, for whoever is shown what would be written. */
export function linesAdded(before: string, after: string): readonly string[] {
  const known = new Set(before.split('\n'))
  return after.split('\n').filter(line => line !== '' && !known.has(line))
}

/** Undefined where there is none. @throws Fault FILE_INVALID, FILE_UNREADABLE. */
export const readIfExists = (path: string): Promise<string | undefined> =>
  readTextFile(path).then(
    ({ text }) => text,
    error => {
      if (error instanceof Fault && error.code === 'FILE_MISSING') return undefined
      throw error
    },
  )

/** Before anybody is asked anything. @throws Fault SETUP_UNWRITABLE. */
export async function requireWritable(path: string): Promise<void> {
  requireOwn(unsafePlace(path))
  const { refusal, nearest } = await probeDirectory(dirname(path))
  if (refusal) throw new Fault('SETUP_UNWRITABLE', `${path}: ${nearest} cannot be written (${refusal})`)
}

/**
 * Resolves to where what was there before is now. A link is followed: its owner keeps the file elsewhere.
 * @throws Fault SETUP_UNWRITABLE.
 */
export const replaceFile = (
  path: string,
  { text, mode, now }: { readonly text: string; readonly mode: number; readonly now: Date },
): Promise<string | undefined> =>
  onDisk(path, async () => {
    const file = await realpath(path).catch(() => path)
    const folder = dirname(file)
    // others may look into it: what is secret in it has a mode of its own
    for (const made of makeFolders(folder)) await chmod(made, 0o755)
    // in a folder such as /tmp another user may have been quicker
    requireOwn(unsafePath(folder))
    const backup = await backupFile(file, { mode, now })
    await replaceFileAtomic(file, text, mode)
    return backup
  })

/**
 * A copy under a name with the time, as closed as what takes its place, and never executable: a client would run it as
 * another hook. Undefined where there is nothing to copy.
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

/** Where another user decides what the place is, he would get what is written there, or lead it anywhere. */
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
