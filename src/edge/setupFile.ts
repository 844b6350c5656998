/** Files that setup writes for an administrator: whole or not at all, and what was there before is kept beside them. */
import { chmod, constants, copyFile, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Fault } from '../core/fault.ts'
import type { Unsafe } from '../core/safePath.ts'
import { readTextFile } from './fileText.ts'
import { makeFolders } from './makeFolders.ts'
import { unsafePath, unsafePlace } from './safePath.ts'
import { probeDirectory } from './stateRoom.ts'
import { replaceFileAtomic } from './syncedFile.ts'

/** Undefined where there is none. @throws Fault FILE_UNFIT, FILE_UNREADABLE. */
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
    if (!before.isFile()) throw new Fault('FILE_UNFIT', `${path}: is not a regular file`)
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
