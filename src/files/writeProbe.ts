/** Finds out whether files can be written to a directory, and leaves nothing there. */
import { access, constants, lstat, open, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface WriteProbe {
  readonly there: boolean
  /** The directory, or the nearest above it that is there. */
  readonly nearest: string
  /** The error's code where this user cannot write; ENOTDIR where a file is in the way. */
  readonly refusal: string | undefined
}

export async function probeDirectory(dir: string): Promise<WriteProbe> {
  const nearest = await nearestExisting(dir)
  // a folder above may be closed, as /var/lib/private is to all but root
  const obstacle = await stat(nearest).then(
    one => (one.isDirectory() ? undefined : 'ENOTDIR'),
    ({ code = 'unknown' }: NodeJS.ErrnoException) => code,
  )
  return {
    there: nearest === dir,
    nearest,
    refusal: obstacle ?? (await refusalOf(nearest)),
  }
}

async function nearestExisting(path: string): Promise<string> {
  // lstat: a link that leads nowhere is there, and in the way
  const there = await lstat(path).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT' && code !== 'ENOTDIR',
  )
  return there || path === dirname(path) ? path : nearestExisting(dirname(path))
}

/** open(2): a file without a name, which is gone when it is closed. Node has no name for it; the number is Linux's. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY

/** Of file systems and kernels that have no such files. */
const UNKNOWN = new Set(['EOPNOTSUPP', 'ENOTSUP', 'EISDIR', 'EINVAL', 'ENOENT'])

/** More than a receipt has: a disk with less is full. In bytes. */
const ENOUGH = 16_384

async function refusalOf(folder: string): Promise<string | undefined> {
  try {
    const file = await open(folder, O_TMPFILE | constants.O_RDWR, 0o600)
    await file.writeFile(Buffer.alloc(ENOUGH)).finally(() => file.close())
    return undefined
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    return UNKNOWN.has(code) ? probeByAccess(folder) : code
  }
}

async function probeByAccess(folder: string): Promise<string | undefined> {
  const refusal = await access(folder, constants.W_OK | constants.X_OK).then(
    () => undefined,
    ({ code }: NodeJS.ErrnoException) => code ?? 'unknown',
  )
  const { bavail, bsize } = await statfs(folder)
  return refusal ?? (bavail * bsize < ENOUGH ? 'ENOSPC' : undefined)
}
