/** Receipts on disk: one JSON file a lineage, written whole or not at all. */
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Fault } from '../errors.ts'
import { removeStaleTempFiles, syncFolder, temporaryName } from '../files/atomicWrite.ts'
import { insideState, refuse } from '../files/heldFolder.ts'
import { makeFolders } from '../files/makeDirectory.ts'
import { unsafePlace } from '../files/safePath.ts'
import { isSamePlace, isThere } from '../files/samePlace.ts'
import { type Lineage, nameTaken } from '../sources/lineage.ts'
import { limitConcurrency, sleep } from '../util/async.ts'
import { fileStemOf, parseReceipt, serializeReceipt } from './codec.ts'
import { type Place, withLock } from './exclusion.ts'
import { emptyReceipt, type Receipt } from './receipt.ts'

/** In bytes. A receipt of a certificate with a thousand names has 40,000; what is larger was not written here. */
const LARGEST = 16 << 20

/** Room for a receipt: what ends within it need not be asked for its size. */
const room = Buffer.allocUnsafe(65_536)

/**
 * The text of a regular file, undefined where there is nothing, '' where there is anything else or too much. O_NOFOLLOW: a link
 * planted here is damage, not a file.
 */
export function contentOf(path: string): string | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const read = readSync(file, room, 0, room.length, 0)
      if (read < room.length) return room.toString('utf8', 0, read)
      const stat = fstatSync(file)
      return stat.isFile() && stat.size <= LARGEST ? wholeOf(file, stat.size) : ''
    } finally {
      closeSync(file)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    // a pipe has no place to read from, a folder no text
    if (['ELOOP', 'ENXIO', 'ESPIPE', 'EISDIR', 'EAGAIN'].includes(code ?? '')) return ''
    throw error
  }
}

function wholeOf(file: number, size: number): string {
  const bytes = Buffer.allocUnsafe(size)
  return bytes.toString('utf8', 0, readSync(file, bytes, 0, size, 0))
}

/** The receipt, where it is this place's, or that of one that has gone. @throws Fault NAME_CONFLICT. */
export function ownReceipt(lineage: Lineage, receipt: Receipt): Receipt {
  const { path } = receipt
  if (path === undefined || isSamePlace(path, lineage.chain) || !isThere(path)) return receipt
  throw nameTaken(lineage, path)
}

export interface ReceiptStore {
  /** Proves that receipts can be written, before anything is uploaded. @throws Fault STATE_DIR_UNUSABLE. */
  readonly prepare: () => Promise<void>
  readonly recall: (lineage: string) => Promise<Receipt>
  /**
   * Reads, amends and writes; all over again where another process has recorded something in between, so that what it
   * recorded is built upon. `amend` may be called several times.
   */
  readonly record: (lineage: string, amend: (receipt: Receipt) => Receipt) => Promise<void>
  readonly all: () => Promise<readonly Receipt[]>
}

/** A receipt that could not be read was set aside under another name. */
type OnDamage = (file: string, setAside: string) => void

interface State {
  /** As the operator named it, for what is said. */
  readonly named: string
  /** Through the open folder, for what is done. */
  readonly dir: string
  readonly onDamage: OnDamage
  readonly now: () => Date
  readonly wait: Place['wait']
}

/**
 * Each holds the directory and a draft open, and of open files a process may have few: with six hundred new certificates
 * and a limit of 256, most could not be recorded.
 */
const AT_ONCE = 16

export function openReceiptStore(
  dir: string,
  onDamage: OnDamage,
  now: () => Date,
  wait: Place['wait'] = sleep,
): ReceiptStore {
  const atOnce = limitConcurrency(AT_ONCE)
  const inDirectory = <T>(work: (state: State) => Promise<T>) =>
    atOnce(() =>
      onDisk(dir, () => insideState(dir, held => work({ named: dir, dir: held, onDamage, now, wait }))),
    )
  return {
    prepare: async () => {
      if (isMissing(dir)) await onDisk(dir, async () => make(dir))
      await inDirectory(prepare)
    },
    recall: async lineage =>
      // nothing is known where nothing was ever recorded
      isMissing(dir)
        ? emptyReceipt(lineage)
        : inDirectory(async state => (await readOne(state, lineage)).receipt),
    record: (lineage, amend) => inDirectory(state => record(state, lineage, amend)),
    all: async () => (isMissing(dir) ? [] : inDirectory(readAll)),
  }
}

function make(dir: string): void {
  refuse(dir, unsafePlace(dir))
  makeFolders(dir, 0o700)
}

/** What cannot be looked at is there, and using it says why. */
function isMissing(dir: string): boolean {
  try {
    return statSync(dir, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

/** Safe for any lineage, and another for each. At most 80 + 1 + 32 + 5 bytes. */
export const fileName = (lineage: string): string =>
  `${fileStemOf(lineage)}-${createHash('sha256').update(lineage).digest('hex').slice(0, 32)}.json`

async function prepare(state: State): Promise<void> {
  const { dir } = state
  // every step that recording takes, or a disk that lacks one of them is found out after the upload
  const name = temporaryName('probe', randomBytes(6).toString('hex'))
  await replaced({ ...state, name }, undefined, 'probe').finally(() => rm(join(dir, name), { force: true }))
  await removeStaleTempFiles(dir, state.now)
}

async function record(state: State, lineage: string, amend: (receipt: Receipt) => Receipt): Promise<void> {
  const place = { ...state, name: fileName(lineage) }
  for (;;) {
    const { text, receipt } = await readOne(state, lineage)
    // each time it is not replaced, another process has got its own entry in: this comes to an end
    if (await replaced(place, text, serializeReceipt(amend(receipt)))) return
  }
}

/** False where the file is no longer what the new text was made from, or the turn was lost: then nothing has changed. */
async function replaced(place: Place, from: string | undefined, to: string): Promise<boolean> {
  const file = join(place.dir, place.name)
  const done = await withLock(place, to, draft => contentOf(file) === from && moved(draft, file))
  if (done) await syncFolder(place.dir)
  return done
}

function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function readOne(
  state: State,
  lineage: string,
): Promise<{ readonly text?: string; readonly receipt: Receipt }> {
  const { dir, named, onDamage, now } = state
  const name = fileName(lineage)
  const text = contentOf(join(dir, name))
  if (text === undefined) return { receipt: emptyReceipt(lineage) }
  const receipt = parseReceipt(text, lineage)
  if (receipt) return { text, receipt }
  const aside = `${name}.damaged-${now().toISOString().replace(/[:.]/g, '')}`
  // in turn and looked at once more, or a receipt that another process has learned again is set aside in its place
  const mine = await withLock(
    { ...state, name },
    '',
    () => contentOf(join(dir, name)) === text && moved(join(dir, name), join(dir, aside)),
  )
  if (!mine) return readOne(state, lineage)
  onDamage(join(named, name), join(named, aside))
  return { receipt: emptyReceipt(lineage) }
}

async function readAll({ dir }: State): Promise<readonly Receipt[]> {
  const names = await readdir(dir)
  return names.filter(name => name.endsWith('.json')).flatMap(name => receiptIn(dir, name) ?? [])
}

function receiptIn(dir: string, name: string): Receipt | undefined {
  try {
    const receipt = parseReceipt(contentOf(join(dir, name)) ?? '')
    // a copy somebody made under another name is nobody's receipt
    return receipt && fileName(receipt.lineage) === name ? receipt : undefined
  } catch {
    return undefined
  }
}

async function onDisk<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw unusable(dir, error as NodeJS.ErrnoException)
  }
}

const unusable = (dir: string, error: NodeJS.ErrnoException) =>
  error instanceof Fault || !error.code
    ? error
    : new Fault(
        'STATE_DIR_UNUSABLE',
        `the state directory ${dir} cannot be used (${error.code}${where(error)})`,
        { cause: error },
      )

/** One receipt may be at fault where the directory is not. */
const where = ({ path = '' }: NodeJS.ErrnoException) =>
  path.endsWith('.json') ? ` at ${basename(path)}` : ''
