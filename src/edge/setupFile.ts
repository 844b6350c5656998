/** Files that setup writes for an administrator: whole or not at all, and what was there before is kept beside them. */
import { randomBytes } from 'node:crypto'
import { chmod, constants, copyFile, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../core/fault.ts'
import { contentOf, syncFolder } from './wholeFile.ts'

export interface Replaced {
  /** Where what was there before is now. */
  readonly backup: string | undefined
}

/** Undefined where there is none. @throws Fault SETUP_UNWRITABLE. */
export const presentText = (path: string): Promise<string | undefined> =>
  onDisk(path, async () => contentOf(path))

/** @throws Fault SETUP_UNWRITABLE. */
export const replaceFile = (
  path: string,
  { text, mode, now }: { readonly text: string; readonly mode: number; readonly now: Date },
): Promise<Replaced> =>
  onDisk(path, async () => {
    const folder = dirname(path)
    // others may look into it: what is secret in it has a mode of its own
    if (await mkdir(folder, { recursive: true })) await chmod(folder, 0o755)
    const before = await stat(path).catch(() => undefined)
    const backup = before && `${path}.bak-${now.toISOString().replace(/[-:]|\.\d+/g, '')}`
    if (backup) await copyFile(path, backup, constants.COPYFILE_EXCL)
    if (backup) await chmod(backup, before.mode & 0o777 & ~(mode === 0o600 ? 0o077 : 0))
    const draft = join(folder, `.${randomBytes(6).toString('hex')}.tmp`)
    try {
      await writeSynced(draft, text, mode)
      await rename(draft, path)
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
    await syncFolder(folder)
    return { backup }
  })

async function writeSynced(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writeFile(text)
    await file.chmod(mode)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (!code || error instanceof Fault) throw error
    throw new Fault('SETUP_UNWRITABLE', `${path}: cannot be read or written (${code})`, { cause: error })
  }
}
