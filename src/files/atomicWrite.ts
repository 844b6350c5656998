/** Replaces files atomically, and makes folders. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, statSync } from 'node:fs'
import { constants, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

/**
 * Replaces a file, or makes it, with exactly this mode. The draft's name ends in ~: certbot runs every executable file in the
 * folder of its hooks but those.
 */
export async function replaceFileAtomic(path: string, text: string, mode: number): Promise<void> {
  const folder = dirname(path)
  const draft = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}~`)
  try {
    const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    try {
      await file.chmod(mode)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  await syncFolder(folder)
}

/** A power cut may undo a rename in a folder until the folder is synced. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  await folder.sync().finally(() => folder.close())
}

/**
 * Makes a folder and the missing ones above it, and returns those that were made, the uppermost first. `mkdir` with
 * `recursive` never returns where a folder exists and making one in it fails with ENOENT, as in /proc and /dev/fd.
 * @throws the system's error; ENOTDIR where something else than a folder is in the way.
 */
export function makeFolders(path: string, mode = 0o777): readonly string[] {
  const missing: string[] = []
  for (let at = resolve(path); !isFolder(at); at = dirname(at)) missing.unshift(at)
  for (const folder of missing) make(folder, mode)
  return missing
}

function make(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode })
  } catch (error) {
    // another process may have made it
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isFolder(folder)) throw error
  }
}

/** @throws where it cannot be examined, or is no folder. */
function isFolder(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found || found.isDirectory()) return found !== undefined
  throw Object.assign(new Error(`ENOTDIR: ${path}`), { code: 'ENOTDIR', path })
}
