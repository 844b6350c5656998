/** Reads, writes and removes installed hook files. */
import { chmod, constants, open, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../errors.ts'
import { makeFolders, replaceFileAtomic, syncFolder } from '../files/atomicWrite.ts'
import { type Unsafe, unsafePath, unsafePlace } from '../files/safePath.ts'
import type { Found } from './hookScripts.ts'

/** Larger than any installed hook; the rest of a larger file is not read. */
const MAX_HOOK_BYTES = 65_536

/**
 * @throws Fault SOURCE_MISSING if the client's directory does not exist; HOOK_UNWRITABLE if another user can replace the
 * folder of its hooks and so redirect what is written there.
 */
export async function requireDirectory(directory: string, folder: string): Promise<void> {
  const found = await onDisk(directory, () => stat(directory).catch(ifMissing))
  if (found?.isDirectory()) return requireOwn(unsafePlace(join(directory, folder)))
  throw new Fault('SOURCE_MISSING', `${directory}: ${found ? 'is not a directory' : 'does not exist'}`, {
    advice: 'Give the right directory with --source, or run the ACME client once.',
  })
}

function requireOwn(unsafe: Unsafe | undefined): void {
  if (!unsafe) return
  throw new Fault('HOOK_UNWRITABLE', `${unsafe.path}: ${unsafe.says}`, {
    advice: `Run it as the user that owns the directory and runs the ACME client; or ${unsafe.advice}.`,
  })
}

/** O_NOFOLLOW: a link of this name was not created by install-hook, whatever its target. */
export const readHook = (path: string): Promise<Found | undefined> =>
  onDisk(path, async () => {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const file = await open(path, flags).catch(ifMissingOrSpecial)
    if (!file || !('fd' in file)) return file
    try {
      const entry = await file.stat()
      const mode = entry.mode & 0o7777
      if (!entry.isFile()) return { mode }
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_HOOK_BYTES), 0, MAX_HOOK_BYTES, 0)
      return { mode, text: buffer.toString('utf8', 0, bytesRead) }
    } finally {
      await file.close()
    }
  })

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
}

/** Links and sockets cannot be opened; install-hook creates neither. */
const ifMissingOrSpecial = (error: NodeJS.ErrnoException): Found | undefined =>
  error.code === 'ELOOP' || error.code === 'ENXIO' ? { mode: 0 } : ifMissing(error)

export const writeHook = (path: string, { text, mode }: Required<Found>): Promise<void> =>
  onDisk(path, async () => {
    // readable for other users, as the clients' own folders are, whatever the umask
    for (const folder of makeFolders(dirname(path))) await chmod(folder, 0o755)
    // in a folder such as /tmp another user may have created it first
    requireOwn(unsafePath(dirname(path)))
    await replaceFileAtomic(path, text, mode)
  })

export const removeHook = (path: string): Promise<void> =>
  onDisk(path, async () => {
    await rm(path, { force: true })
    await syncFolder(dirname(path))
  })

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (!code) throw error
    throw new Fault('HOOK_UNWRITABLE', `${path}: cannot be read or written (${code})`, { cause: error })
  }
}
