/** Files that are seen whole or not at all: writing them, and sweeping up after writers that died. */
import { randomBytes } from 'node:crypto'
import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { constants, type FileHandle, lstat, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { inside } from './heldFolder.ts'

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
async function createSynced(
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

const LEFTOVER = /^\..+\.([0-9a-f]{12}|lock)\.tmp$/

/**
 * No write takes this long: what is temporary and of this age belongs to a process that is gone, and so does what is this
 * far ahead, written before the clock was set back. In milliseconds.
 */
const ABANDONED = 3_600_000

export const temporaryName = (name: string, token: string) => `.${name}.${token}.tmp`

/** Owned as the folder is, and synced before it is renamed, or a power cut may leave the new name pointing at nothing. */
export const writeFileAtomic = (path: string, text: string, folder: string): Promise<void> =>
  createSynced(path, text, async file => giveTo(await stat(folder), file))

/** What root writes into the folder of a service's user must be readable to that service. */
async function giveTo({ uid, gid }: { uid: number; gid: number }, file: FileHandle): Promise<void> {
  if ((await file.stat()).uid === 0 && uid !== 0) await file.chown(uid, gid)
}

/** Removes what processes left behind that died while writing. What cannot be removed is in nobody's way. */
export async function removeStaleTempFiles(dir: string, now: () => Date): Promise<void> {
  const leftovers = (await readdir(dir)).filter(name => LEFTOVER.test(name)).map(name => join(dir, name))
  const abandoned = async (path: string) =>
    Math.abs(now().getTime() - (await lstat(path)).mtimeMs) > ABANDONED && remove(path)
  await Promise.allSettled(leftovers.map(abandoned))
}

/** A file, or a folder with nothing but files: what is deeper was not made here. Never through a link. */
function remove(path: string): void {
  if (lstatSync(path).isDirectory()) {
    inside(path, held => {
      for (const name of readdirSync(held)) unlinkSync(join(held, name))
    })
    rmdirSync(path)
  } else unlinkSync(path)
}
