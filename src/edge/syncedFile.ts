/** Files that outlive a power cut: written, synced, and put in their place whole or not at all. */
import { randomBytes } from 'node:crypto'
import { constants, type FileHandle, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Puts a file in its place whole or not at all, with exactly this mode. Until then it has a name that ends in ~: of the
 * folder of its hooks certbot runs whatever it can execute, save those.
 */
export async function replaceFileAtomic(path: string, text: string, mode: number): Promise<void> {
  const folder = dirname(path)
  const draft = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}~`)
  try {
    await createSynced(draft, text, file => file.chmod(mode))
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  await syncFolder(folder)
}

/** A new file, prepared while it is empty, and synced. */
export async function createSynced(
  path: string,
  text: string,
  prepare: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await prepare(file)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Until then a rename in it may be undone by a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  await folder.sync().finally(() => folder.close())
}
