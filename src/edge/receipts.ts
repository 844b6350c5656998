/** Receipts on disk: one JSON file a lineage, written whole or not at all. */
import { createHash, randomBytes } from 'node:crypto'
import { constants, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../core/fault.ts'
import { emptyReceipt, type Receipt, readReceipt, writeReceipt } from '../core/receipt.ts'

export interface Receipts {
  /** Proves that receipts can be written, before anything is uploaded. @throws Fault STATE_UNUSABLE. */
  readonly prepare: () => Promise<void>
  readonly recall: (lineage: string) => Promise<Receipt>
  /** Reads, amends and writes, so that what another process has recorded meanwhile is built upon. */
  readonly record: (lineage: string, amend: (receipt: Receipt) => Receipt) => Promise<void>
  readonly all: () => Promise<readonly Receipt[]>
}

/** A receipt that could not be read was set aside under another name. */
export type OnDamage = (file: string, setAside: string) => void

const LEFTOVER = /^\..*\.tmp$/
/** No write takes this long: a temporary file of this age belongs to a process that is gone. In milliseconds. */
const ABANDONED = 3_600_000

export function openReceipts(dir: string, onDamage: OnDamage, now: () => Date): Receipts {
  const recall = (lineage: string) => readOne(dir, lineage, onDamage, now)
  return {
    prepare: () => prepare(dir, now),
    recall,
    record: async (lineage, amend) =>
      writeWhole(dir, fileName(lineage), writeReceipt(amend(await recall(lineage)))),
    all: () => readAll(dir),
  }
}

/**
 * Safe for any lineage: what a person can recognise, then enough of a digest to tell lineages apart whose names differ
 * only in characters a file name cannot hold. At most 80 + 1 + 32 + 5 bytes.
 */
export const fileName = (lineage: string): string => {
  const readable = lineage.replace(/[^A-Za-z0-9.-]/g, '_').slice(0, 80)
  return `${readable}-${createHash('sha256').update(lineage).digest('hex').slice(0, 32)}.json`
}

async function prepare(dir: string, now: () => Date): Promise<void> {
  await onDisk(dir, async () => {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const probe = join(dir, temporaryName('probe'))
    await writeSynced(probe, 'probe').finally(() => rm(probe, { force: true }))
    for (const name of (await readdir(dir)).filter(one => LEFTOVER.test(one))) {
      const file = join(dir, name)
      const age = await stat(file)
        .then(({ mtimeMs }) => now().getTime() - mtimeMs)
        .catch(() => 0)
      if (age > ABANDONED) await rm(file, { force: true })
    }
  })
}

async function readOne(dir: string, lineage: string, onDamage: OnDamage, now: () => Date): Promise<Receipt> {
  const name = fileName(lineage)
  return onDisk(dir, async () => {
    const text = await readRegular(join(dir, name))
    if (text === undefined) return emptyReceipt(lineage)
    const receipt = readReceipt(text, lineage)
    if (receipt) return receipt
    const aside = `${name}.damaged-${now().toISOString().replace(/[:.]/g, '')}`
    await rename(join(dir, name), join(dir, aside))
    onDamage(join(dir, name), join(dir, aside))
    return emptyReceipt(lineage)
  })
}

async function readAll(dir: string): Promise<readonly Receipt[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw unusable(dir, error)
  })
  const texts = await Promise.all(
    names
      .filter(name => name.endsWith('.json'))
      .map(name => readRegular(join(dir, name)).catch(() => undefined)),
  )
  return texts.flatMap(text => (text === undefined ? [] : (readReceipt(text) ?? [])))
}

/** O_NOFOLLOW: a link planted here is damage, not a receipt. */
async function readRegular(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    return await file.readFile('utf8').finally(() => file.close())
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP' || code === 'EISDIR') return ''
    throw error
  }
}

const temporaryName = (name: string) => `.${name}.${randomBytes(6).toString('hex')}.tmp`

async function writeWhole(dir: string, name: string, text: string): Promise<void> {
  await onDisk(dir, async () => {
    const temporary = join(dir, temporaryName(name))
    try {
      // synced before the rename, or a power cut may leave the new name pointing at nothing
      await writeSynced(temporary, text)
      await rename(temporary, join(dir, name))
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
    const folder = await open(dir, constants.O_RDONLY)
    await folder.sync().finally(() => folder.close())
  })
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
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
  error.code
    ? new Fault('STATE_UNUSABLE', `the state directory ${dir} cannot be used (${error.code})`, {
        cause: error,
      })
    : error
