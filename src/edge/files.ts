/** Reads a lineage's chain and key, and says whether anybody is still writing them. */
import { constants, type FileHandle, open } from 'node:fs/promises'
import type { Files } from '../core/bundle.ts'
import type { Exposure } from '../core/exposure.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import type { Lineage } from '../core/lineage.ts'
import { type Secret, secret } from '../core/secret.ts'
import { type Stored, storedIn } from '../core/traefikStore.ts'

/** A certificate with a hundred issuers is a hundred times smaller; what is larger is another file. In bytes. */
export const LARGEST = 1 << 20
/** A file that holds thousands of certificates, each with its key in base64. */
const LARGEST_STORE = 1 << 26

const PIECE = 65_536

/** A file younger than this may still be open for writing: it is read twice. */
export const FRESH = 1_000
export const BETWEEN_READS = 100
/** After this long without a write nobody is about to add an issuer. */
const SETTLED = 5_000

export interface Waiting {
  readonly now: () => Date
  readonly wait: (ms: number) => Promise<void>
}

/**
 * @throws Fault PAIR_INCOMPLETE where a file of a client's folder is not there (yet), FILE_MISSING where the operator
 * named it, PAIR_CHANGING where two reads differ, FILE_UNREADABLE, FILE_UNFIT.
 */
export async function readFiles(
  lineage: Lineage,
  { now, wait, onSecret }: Waiting & { readonly onSecret?: OnSecret | undefined },
): Promise<{ files: Files; settled: boolean }> {
  const password = await passwordOf(lineage, onSecret)
  const first = await readBoth(lineage, onSecret)
  const age = now().getTime() - first.writtenAt
  if (age < FRESH) {
    await wait(BETWEEN_READS)
    const second = await readBoth(lineage, onSecret)
    if (second.chain !== first.chain || second.key !== first.key) {
      throw new Fault('PAIR_CHANGING', `${lineage.chain}: changed while it was read`)
    }
  }
  const key =
    lineage.key !== undefined && first.key !== undefined
      ? { path: lineage.key, text: first.key, password }
      : undefined
  return { files: { chain: { path: lineage.chain, text: first.chain }, key }, settled: age >= SETTLED }
}

async function readBoth(lineage: Lineage, onSecret: OnSecret | undefined) {
  if (lineage.kind === 'traefik') return readStored(lineage, onSecret)
  const missing = lineage.kind === 'pem' ? 'FILE_MISSING' : 'PAIR_INCOMPLETE'
  const chain = await readText(lineage.chain, { missing })
  const key =
    lineage.key === undefined
      ? undefined
      : await readSecret(lineage.key, { what: 'private key', onSecret, missing })
  return { chain: chain.text, key: key?.text, writtenAt: Math.max(chain.writtenAt, key?.writtenAt ?? 0) }
}

async function readStored({ id, name, chain: path }: Lineage, onSecret: OnSecret | undefined) {
  const { stored, writtenAt } = await readStore(path, { missing: 'PAIR_INCOMPLETE', onSecret })
  const found = stored.find(one => one.name === name)
  if (!found) throw new Fault('PAIR_INCOMPLETE', `${path}: has no ${id}`)
  return { chain: found.chain, key: found.key, writtenAt }
}

/** All that a client keeps in one file. @throws Fault as readText, and as storedIn. */
export async function readStore(
  path: string,
  { missing = 'SOURCE_MISSING', onSecret }: { missing?: FaultCode; onSecret?: OnSecret | undefined } = {},
): Promise<{ readonly stored: readonly Stored[]; readonly writtenAt: number }> {
  const { text, writtenAt } = await readSecret(path, {
    what: 'private keys',
    onSecret,
    missing,
    most: LARGEST_STORE,
  })
  return { stored: storedIn(path, text), writtenAt }
}

export interface Reading {
  /** The fault of a file that is not there. */
  readonly missing?: FaultCode
  /** In bytes. */
  readonly most?: number
}

export interface Read {
  readonly text: string
  /** When it was last written, in milliseconds since 1970. */
  readonly writtenAt: number
  readonly mode: number
}

/** Told of each file that a secret was read from. */
export type OnSecret = (exposure: Exposure) => Promise<void>

export interface SecretReading extends Reading {
  /** What the file holds, in words. */
  readonly what: string
  readonly onSecret?: OnSecret | undefined
}

/** As readText, of a file that nobody else should read. */
export async function readSecret(file: string, { what, onSecret, ...reading }: SecretReading): Promise<Read> {
  const read = await readText(file, reading)
  await onSecret?.({ file, mode: read.mode, what })
  return read
}

/** Text of a regular file of bearable size. */
export async function readText(
  path: string,
  { missing = 'FILE_MISSING', most = LARGEST }: Reading = {},
): Promise<Read> {
  let file: FileHandle | undefined
  try {
    // O_NONBLOCK: opening a FIFO without a writer would otherwise never come back
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = await file.stat()
    if (!stat.isFile()) throw new Fault('FILE_UNFIT', `${path}: is not a regular file`)
    const bytes = stat.size > most ? undefined : await bytesOf(file, stat.size, most)
    if (!bytes) throw new Fault('FILE_UNFIT', `${path}: has more than the ${sizeOf(most)} that are read`)
    // asked again once it has been read: of a file emptied in between the old times would say that it is at rest.
    // ctime too: cp -p and touch can set mtime back, nothing sets ctime back
    const { mtimeMs, ctimeMs } = await file.stat()
    const writtenAt = Math.max(mtimeMs, ctimeMs)
    return { text: bytes.toString('utf8'), writtenAt, mode: stat.mode }
  } catch (error) {
    throw asFault(error, path, missing)
  } finally {
    // whatever is wrong with closing, what has been read has been read
    await file?.close().catch(() => undefined)
  }
}

const sizeOf = (bytes: number) => (bytes < 1 << 20 ? `${bytes >> 10} KiB` : `${bytes >> 20} MiB`)

/**
 * To the end, wherever that is; undefined where it is too far. The size is only a hint: /proc says 0 of files that have
 * text, or have it without end, and others grow.
 */
async function bytesOf(file: FileHandle, size: number, most: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  let read = 0
  for (let room = size > 0 ? size + 1 : PIECE; read <= most; room = PIECE) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(room), 0, room, read)
    parts.push(buffer.subarray(0, bytesRead))
    read += bytesRead
    if (bytesRead === 0 || (size > 0 && read === size)) return Buffer.concat(parts)
  }
  return undefined
}

const CODES: Readonly<Record<string, FaultCode>> = {
  EACCES: 'FILE_UNREADABLE',
  EPERM: 'FILE_UNREADABLE',
  ELOOP: 'FILE_UNFIT',
  EISDIR: 'FILE_UNFIT',
  ENXIO: 'FILE_UNFIT',
  ENAMETOOLONG: 'FILE_UNFIT',
  EMFILE: 'EXHAUSTED',
  ENFILE: 'EXHAUSTED',
}

function asFault(error: unknown, path: string, missing: FaultCode): unknown {
  if (error instanceof Fault) return error
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return new Fault(missing, `${path}: is not there`)
  if (CODES[code]) return new Fault(CODES[code], `${path}: cannot be read (${code})`)
  return code ? new Fault('FILE_UNREADABLE', `${path}: cannot be read (${code})`, { cause: error }) : error
}

async function passwordOf(
  { upload, key }: Lineage,
  onSecret: OnSecret | undefined,
): Promise<Secret | undefined> {
  if (!upload.keyPasswordFile || key === undefined) return undefined
  return readPassword(upload.keyPasswordFile, onSecret)
}

/** The file's text without the newline that an editor puts at its end. */
export async function readPassword(file: string, onSecret?: OnSecret): Promise<Secret> {
  const { text } = await readSecret(file, { what: 'password', onSecret })
  return secret(text.replace(/\r?\n$/, ''))
}
