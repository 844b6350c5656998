/** Reads text of a regular file of bounded size, with the state of the file when it was read. */
import { isUtf8 } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { constants as system } from 'node:os'
import { dirname } from 'node:path'
import { Fault, type FaultCode } from '../errors.ts'
import { isThere, isTimedElsewhere } from './fileSystem.ts'
import type { InsecurePermissions } from './permissions.ts'

/** As `stat` of node:fs returns them. */
export type FileStat = Pick<Stats, 'dev' | 'ino' | 'size' | 'ctimeMs'>

/** A certificate with a hundred issuers is a hundred times smaller. */
export const MAX_FILE_BYTES = 1 << 20

const CHUNK_BYTES = 65_536

export interface ReadOptions {
  /** The fault of a file that is not there. */
  readonly missing?: FaultCode
  /** In bytes. */
  readonly most?: number
}

export interface FileContents {
  readonly text: string
  readonly bytes: Buffer
  /** When it was last written, in milliseconds since 1970. */
  readonly writtenAt: number
  readonly mode: number
  /** From before it was read, so that a later write changes it. */
  readonly stat: FileStat
}

/** Bytes that are no UTF-8 as Latin-1: each character is one byte then, which tells other forms of files apart. */
export const anyText = ({ text, bytes }: Pick<FileContents, 'text' | 'bytes'>) =>
  isUtf8(bytes) ? text : bytes.toString('latin1')

/** Called for each file that a secret was read from. */
export type OnSecret = (permissions: InsecurePermissions) => Promise<void>

interface SecretOptions extends ReadOptions {
  /** What the file holds, in words. */
  readonly what: string
  readonly onSecret?: OnSecret | undefined
}

/** Reads a file that no other user should read. */
export async function readSecretFile(
  file: string,
  { what, onSecret, ...options }: SecretOptions,
): Promise<FileContents> {
  const contents = await readTextFile(file, options)
  await onSecret?.({ file, mode: contents.mode, what })
  return contents
}

/** Reads synchronously: by promise a small file takes three to ten times as long, and a hanging disk blocks both. */
export async function readTextFile(
  path: string,
  { missing = 'FILE_MISSING', most = MAX_FILE_BYTES }: ReadOptions = {},
): Promise<FileContents> {
  let file: number | undefined
  try {
    // O_NONBLOCK: opening a FIFO without a writer would never return
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = fstatSync(file)
    if (!stat.isFile()) throw new Fault('FILE_INVALID', `${path}: is not a regular file`)
    const bytes = stat.size > most ? undefined : bytesOf(file, stat.size, most)
    if (!bytes) throw new Fault('FILE_INVALID', `${path}: has more than the ${sizeText(most)} that are read`)
    // after the read: a file that was emptied meanwhile must not look old. And ctime: cp -p and touch set mtime back
    const { mtimeMs, ctimeMs } = fstatSync(file)
    const writtenAt = Math.max(mtimeMs, ctimeMs)
    return { text: bytes.toString('utf8'), bytes, writtenAt, mode: stat.mode, stat }
  } catch (error) {
    throw asFault(error, path, missing)
  } finally {
    if (file !== undefined) close(file)
  }
}

const sizeText = (bytes: number) => (bytes < 1 << 20 ? `${bytes >> 10} KiB` : `${bytes >> 20} MiB`)

/** Reads to the end; undefined where that is too far. The size is a hint only: /proc says 0, and files grow. */
function bytesOf(file: number, size: number, most: number): Buffer | undefined {
  const parts: Buffer[] = []
  let read = 0
  for (let room = size > 0 ? size + 1 : CHUNK_BYTES; read <= most; room = CHUNK_BYTES) {
    const buffer = Buffer.allocUnsafe(room)
    const bytesRead = readSync(file, buffer, 0, room, read)
    parts.push(buffer.subarray(0, bytesRead))
    read += bytesRead
    if (bytesRead === 0 || (size > 0 && read === size)) return Buffer.concat(parts)
  }
  return undefined
}

/** An error of closing does not change what was read. */
function close(file: number): void {
  try {
    closeSync(file)
  } catch {}
}

/** Errors of the file or its path. All others are of the disk, the file server or the machine, and may be temporary. */
const CODES: Readonly<Record<string, FaultCode>> = {
  EACCES: 'FILE_UNREADABLE',
  EPERM: 'FILE_UNREADABLE',
  ELOOP: 'FILE_INVALID',
  EISDIR: 'FILE_INVALID',
  ENXIO: 'FILE_INVALID',
  ENODEV: 'FILE_INVALID',
  EINVAL: 'FILE_INVALID',
  ENAMETOOLONG: 'FILE_INVALID',
  EMFILE: 'TOO_MANY_OPEN_FILES',
  ENFILE: 'TOO_MANY_OPEN_FILES',
}

function asFault(error: unknown, path: string, missing: FaultCode): unknown {
  if (error instanceof Fault) return error
  const code = errorCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return new Fault(missing, `${path}: is not there`)
  if (CODES[code]) return new Fault(CODES[code], `${path}: cannot be read (${code})`)
  return code ? new Fault('FILE_UNAVAILABLE', `${path}: cannot be read (${code})`, { cause: error }) : error
}

/** The name of a system error. libuv has none for some: a file server's ESTALE is its "Unknown system error -116". */
export function errorCode(error: unknown): string {
  const { code = '', errno } = error as NodeJS.ErrnoException
  if (!code.startsWith('Unknown')) return code
  return Object.entries(system.errno).find(([, number]) => number === -(errno ?? 0))?.[0] ?? code
}

/** A file younger than this may still be open for writing: it is read again. */
export const RECENT_MS = 1_000

export const BETWEEN_READS_MS = 100

/** As long as this without a change is as good as a second by the file's times, which another machine may have set. */
const UNCHANGED_READS = RECENT_MS / BETWEEN_READS_MS

/** Of a file that changes all the time: five seconds' worth. */
const MAX_READS = 50

export interface Waiting {
  readonly now: () => Date
  readonly wait: (ms: number) => Promise<void>
  /** `isTimedElsewhere`, or another in a test. */
  readonly timedElsewhere?: (path: string) => boolean
}

/**
 * Reads a file that editors and tools replace: an emptied, half-written or briefly missing one would be taken for what the
 * operator wants. `read` reads it.
 * @throws what `read` throws, FILE_MISSING only where it stays missing; FILE_UNAVAILABLE where it changes all the time.
 */
export async function readStableFile(
  path: string,
  { now, wait, timedElsewhere = isTimedElsewhere }: Waiting,
  read: () => Promise<FileContents>,
): Promise<FileContents> {
  let before: Reading | undefined
  for (let reads = 0, unchanged = 0; reads <= MAX_READS; reads++) {
    if (reads) await wait(BETWEEN_READS_MS)
    // before it is read: a process may be stopped for a second after that
    const at = now().getTime()
    const reading = await attempt(path, read)
    const isSame = reading.found?.text === before?.found?.text && reading.changedAt === before?.changedAt
    unchanged = isSame ? unchanged + 1 : 0
    const isOld = at - reading.changedAt >= RECENT_MS && ![path, dirname(path)].some(timedElsewhere)
    if (isOld || unchanged >= UNCHANGED_READS) {
      if (reading.found) return reading.found
      throw reading.missing
    }
    before = reading
  }
  throw new Fault('FILE_UNAVAILABLE', `${path}: changes all the time`, {
    advice: 'It is read again later. Find the program that writes it all the time.',
  })
}

interface Reading {
  readonly found?: FileContents
  readonly missing?: Fault
  /** Milliseconds since 1970. */
  readonly changedAt: number
}

async function attempt(path: string, read: () => Promise<FileContents>): Promise<Reading> {
  try {
    const found = await read()
    return { found, changedAt: found.writtenAt }
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'FILE_MISSING') throw error
    return { missing: error, changedAt: changedAtPlaceOf(path) }
  }
}

/** When the nearest folder above a missing file last changed. Where a link leads, any folder may have: always now. */
function changedAtPlaceOf(path: string): number {
  if (isThere(path)) return Number.POSITIVE_INFINITY
  for (let folder = dirname(path); ; folder = dirname(folder))
    try {
      const { mtimeMs, ctimeMs } = statSync(folder)
      return Math.max(mtimeMs, ctimeMs)
    } catch {
      if (folder === '/') return 0
    }
}
