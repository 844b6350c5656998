/** Receipts on disk: one JSON file a lineage, written whole or not at all. */
import { createHash } from 'node:crypto'
import { constants, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../core/fault.ts'
import { emptyReceipt, type Receipt, readReceipt, writeReceipt } from '../core/receipt.ts'
import { sweep, writeWhole } from './wholeFile.ts'

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

const PROBE = '.probe'

export function openReceipts(dir: string, onDamage: OnDamage, now: () => Date): Receipts {
  const recall = (lineage: string) => readOne(dir, lineage, onDamage, now)
  return {
    prepare: () => prepare(dir, now),
    recall,
    record: async (lineage, amend) => {
      const text = writeReceipt(amend(await recall(lineage)))
      await onDisk(dir, () => writeWhole(dir, fileName(lineage), text))
    },
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
    // every step that recording takes, or a disk that lacks one of them is found out after the upload
    await writeWhole(dir, PROBE, 'probe').finally(() => rm(join(dir, PROBE), { force: true }))
    await sweep(dir, now)
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
    await rename(join(dir, name), join(dir, aside)).then(
      () => onDamage(join(dir, name), join(dir, aside)),
      (error: NodeJS.ErrnoException) => {
        // not there any more: another process has set it aside, and said so
        if (error.code !== 'ENOENT') throw error
      },
    )
    return emptyReceipt(lineage)
  })
}

async function readAll(dir: string): Promise<readonly Receipt[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw unusable(dir, error)
  })
  const found = await Promise.all(
    names
      .filter(name => name.endsWith('.json'))
      .map(async name => {
        const text = await readRegular(join(dir, name)).catch(() => undefined)
        const receipt = text === undefined ? undefined : readReceipt(text)
        // a copy somebody made under another name is nobody's receipt
        return receipt && fileName(receipt.lineage) === name ? [receipt] : []
      }),
  )
  return found.flat()
}

/** O_NOFOLLOW: a link planted here is damage, not a receipt; so is whatever else is not a file. */
async function readRegular(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const regular = async () => ((await file.stat()).isFile() ? await file.readFile('utf8') : '')
    return await regular().finally(() => file.close())
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP' || code === 'ENXIO') return ''
    throw error
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
