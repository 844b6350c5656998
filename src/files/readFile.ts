/**
 * Text of a regular file of bearable size, and how the file stood when it was read. At once and not by promise, which for
 * small files takes three to ten times as long; nor would that help where a disk hangs, for four readers at once are all
 * that Node has.
 */
import { isUtf8 } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { constants as system } from 'node:os'
import { Fault, type FaultCode } from '../errors.ts'
import type { InsecurePermissions } from './permissions.ts'

/** As `stat` of node:fs has them with `bigint`. */
export interface FileStat {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly ctimeNs: bigint
}

/** A certificate with a hundred issuers is a hundred times smaller; what is larger is another file. In bytes. */
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
  /** Before it was read: who wrote it since has changed that. */
  readonly standing: FileStat
}

/** What is no UTF-8 as Latin-1: then each character is a byte, by which a file of another form is known. */
export const anyText = ({ text, bytes }: Pick<FileContents, 'text' | 'bytes'>) =>
  isUtf8(bytes) ? text : bytes.toString('latin1')

/** Told of each file that a secret was read from. */
export type OnSecret = (exposure: InsecurePermissions) => Promise<void>

interface SecretFileContents extends ReadOptions {
  /** What the file holds, in words. */
  readonly what: string
  readonly onSecret?: OnSecret | undefined
}

/** As readText, of a file that nobody else should read. */
export async function readSecretFile(
  file: string,
  { what, onSecret, ...reading }: SecretFileContents,
): Promise<FileContents> {
  const read = await readTextFile(file, reading)
  await onSecret?.({ file, mode: read.mode, what })
  return read
}

/** Text of a regular file of bearable size. */
export async function readTextFile(
  path: string,
  { missing = 'FILE_MISSING', most = MAX_FILE_BYTES }: ReadOptions = {},
): Promise<FileContents> {
  let file: number | undefined
  try {
    // O_NONBLOCK: opening a FIFO without a writer would otherwise never come back
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = fstatSync(file, { bigint: true })
    if (!stat.isFile()) throw new Fault('FILE_INVALID', `${path}: is not a regular file`)
    const bytes = stat.size > most ? undefined : bytesOf(file, Number(stat.size), most)
    if (!bytes) throw new Fault('FILE_INVALID', `${path}: has more than the ${sizeOf(most)} that are read`)
    // asked again once it has been read: of a file emptied in between the old times would say that it is at rest.
    // ctime too: cp -p and touch can set mtime back, nothing sets ctime back
    const { mtimeMs, ctimeMs } = fstatSync(file)
    const writtenAt = Math.max(mtimeMs, ctimeMs)
    return { text: bytes.toString('utf8'), bytes, writtenAt, mode: Number(stat.mode), standing: stat }
  } catch (error) {
    throw asFault(error, path, missing)
  } finally {
    if (file !== undefined) close(file)
  }
}

const sizeOf = (bytes: number) => (bytes < 1 << 20 ? `${bytes >> 10} KiB` : `${bytes >> 20} MiB`)

/**
 * To the end, wherever that is; undefined where it is too far. The size is only a hint: /proc says 0 of files that have
 * text, or have it without end, and others grow.
 */
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

/** Whatever is wrong with closing, what has been read has been read. */
function close(file: number): void {
  try {
    closeSync(file)
  } catch {}
}

/** What is wrong with the file or its path. All else is a matter of the disk, the file server or the machine, and may pass. */
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

/** A file younger than this may still be open for writing: it is read twice. */
export const RECENT_MS = 1_000

export const BETWEEN_READS_MS = 100

export interface Waiting {
  readonly now: () => Date
  readonly wait: (ms: number) => Promise<void>
  /** `isTimedElsewhere`, or another in a test. */
  readonly timedElsewhere?: (path: string) => boolean
}
