/** Reads a lineage's chain and key, and says whether anybody is still writing them. */
import { constants, type FileHandle, open } from 'node:fs/promises'
import type { Files } from '../core/bundle.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import type { Lineage } from '../core/lineage.ts'
import { type Secret, secret } from '../core/secret.ts'

/** A certificate with a hundred issuers is a hundred times smaller; what is larger is another file. In bytes. */
export const LARGEST = 1 << 20

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
  { now, wait }: Waiting,
): Promise<{ files: Files; settled: boolean }> {
  const password = await passwordOf(lineage)
  const first = await readBoth(lineage)
  const age = now().getTime() - first.writtenAt
  if (age < FRESH) {
    await wait(BETWEEN_READS)
    const second = await readBoth(lineage)
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

async function readBoth(lineage: Lineage) {
  const missing = lineage.kind === 'pem' ? 'FILE_MISSING' : 'PAIR_INCOMPLETE'
  const chain = await readText(lineage.chain, missing)
  const key = lineage.key === undefined ? undefined : await readText(lineage.key, missing)
  return { chain: chain.text, key: key?.text, writtenAt: Math.max(chain.writtenAt, key?.writtenAt ?? 0) }
}

/** Text of a regular file of bearable size, and when it was last written in milliseconds since 1970. */
export async function readText(
  path: string,
  missing: FaultCode = 'FILE_MISSING',
): Promise<{ text: string; writtenAt: number }> {
  let file: FileHandle | undefined
  try {
    // O_NONBLOCK: opening a FIFO without a writer would otherwise never come back
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = await file.stat()
    if (!stat.isFile()) throw new Fault('FILE_UNFIT', `${path}: is not a regular file`)
    if (stat.size > LARGEST)
      throw new Fault('FILE_UNFIT', `${path}: has ${stat.size} bytes, more than any certificate`)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(stat.size), 0, stat.size, 0)
    // ctime too: cp -p and touch can set mtime back, nothing sets ctime back
    return { text: buffer.toString('utf8', 0, bytesRead), writtenAt: Math.max(stat.mtimeMs, stat.ctimeMs) }
  } catch (error) {
    throw asFault(error, path, missing)
  } finally {
    // whatever is wrong with closing, what has been read has been read
    await file?.close().catch(() => undefined)
  }
}

const CODES: Readonly<Record<string, FaultCode>> = {
  EACCES: 'FILE_UNREADABLE',
  EPERM: 'FILE_UNREADABLE',
  ELOOP: 'FILE_UNFIT',
  EISDIR: 'FILE_UNFIT',
  ENXIO: 'FILE_UNFIT',
  ENAMETOOLONG: 'FILE_UNFIT',
}

function asFault(error: unknown, path: string, missing: FaultCode): unknown {
  if (error instanceof Fault) return error
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return new Fault(missing, `${path}: is not there`)
  if (CODES[code]) return new Fault(CODES[code], `${path}: cannot be read (${code})`)
  return code ? new Fault('FILE_UNREADABLE', `${path}: cannot be read (${code})`, { cause: error }) : error
}

async function passwordOf({ upload, key }: Lineage): Promise<Secret | undefined> {
  if (!upload.keyPasswordFile || key === undefined) return undefined
  return readPassword(upload.keyPasswordFile)
}

/** The file's text without the newline that an editor puts at its end. */
export async function readPassword(file: string): Promise<Secret> {
  const { text } = await readText(file)
  return secret(text.replace(/\r?\n$/, ''))
}
