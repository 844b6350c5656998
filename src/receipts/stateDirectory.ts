/** The state directory: made, guarded against other users, and what is wrong with it as a Fault. */
import { closeSync, constants, fchownSync, fstatSync, openSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../errors.ts'
import { makeFolders } from '../files/atomicWrite.ts'
import { type Unsafe, unsafePlace, unsafeState } from '../files/safePath.ts'

/** What cannot be examined is there, and using it says why. */
export function isMissing(dir: string): boolean {
  try {
    return statSync(dir, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

export function makeStateDirectory(dir: string): void {
  if (!isMissing(dir)) return
  refuse(dir, unsafePlace(dir))
  makeFolders(dir, 0o700)
}

/** @throws Fault STATE_DIR_UNUSABLE where another user may put links and files of his own there. */
export function guard(dir: string): void {
  const stat = statSync(dir)
  if (!stat.isDirectory()) throw Object.assign(new Error(`ENOTDIR: ${dir}`), { code: 'ENOTDIR' })
  if ((stat.mode & 0o002) !== 0)
    throw new Fault(
      'STATE_DIR_UNUSABLE',
      `the state directory ${dir} may be written by every user of this machine`,
      { advice: `Remove this permission, chmod o-w ${dir}, or name another directory with --state-dir.` },
    )
  refuse(dir, unsafeState(dir))
}

function refuse(dir: string, unsafe: Unsafe | undefined): void {
  if (!unsafe) return
  const message = `the state directory ${dir} cannot be used: ${unsafe.path} ${unsafe.says}`
  throw new Fault('STATE_DIR_UNUSABLE', message, {
    advice: `${unsafe.advice}; or name another with --state-dir.`,
  })
}

/** What root has written for a service's user must be readable to that service; SQLite gives the journal the file's owner. */
export function giveToOwner(dir: string, names: readonly string[], file: Stats): void {
  const { uid, gid } = statSync(dir)
  if (uid === 0 || file.uid !== 0) return
  for (const name of names) {
    const fd = openSync(join(dir, name), constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const found = fstatSync(fd)
      // nothing that has another name too: that user may have linked it
      if (found.isFile() && found.uid === 0 && found.nlink === 1) fchownSync(fd, uid, gid)
    } finally {
      closeSync(fd)
    }
  }
}

/** The file is no database of ours. */
export class Damage extends Error {}

/** What SQLite says where the disk, the machine or another process is the cause and not the file: its primary result codes. */
const ENVIRONMENT: Readonly<Record<number, string>> = {
  3: 'EACCES',
  5: 'locked by another process',
  7: 'ENOMEM',
  8: 'EROFS',
  10: 'EIO',
  13: 'ENOSPC',
  14: 'cannot be opened',
}

/** Of a database that may only be read, and whose last transaction was cut off: SQLITE_READONLY_ROLLBACK. */
const UNFINISHED = 776

interface SqliteError extends NodeJS.ErrnoException {
  readonly errcode?: number
}

/** SQLITE_BUSY: another process is in a transaction. */
export const isBusy = (error: unknown) => ((error as SqliteError).errcode ?? 0) % 256 === 5

export const isUnfinished = (error: unknown) => (error as SqliteError).errcode === UNFINISHED

export function isDamage(error: unknown): boolean {
  const { errcode } = error as SqliteError
  return error instanceof Damage || (errcode !== undefined && ENVIRONMENT[errcode & 0xff] === undefined)
}

export function onDisk<T>(dir: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { errcode, code } = error as SqliteError
    const reason = errcode === undefined ? code : (ENVIRONMENT[errcode & 0xff] ?? 'damaged')
    if (error instanceof Fault || (reason === undefined && !(error instanceof Damage))) throw error
    throw new Fault(
      'STATE_DIR_UNUSABLE',
      `the state directory ${dir} cannot be used (${reason ?? 'damaged'})`,
      { cause: error },
    )
  }
}
