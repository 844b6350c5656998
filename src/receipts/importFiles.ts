/** Takes over what earlier versions kept as files in the state directory: a receipt for each lineage, and notifications. */
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { insertSent, insertUnsent, replaceReceipt, selectReceipts } from './rows.ts'
import { isRecord, parsed, parseReceipt } from './shape.ts'

export interface OldFile {
  readonly name: string
  /** False where it could not be read as what it should be. */
  readonly isWhole: boolean
  readonly put: (db: DatabaseSync) => void
}

/** In bytes. A receipt of a certificate with a thousand names has 40,000. */
const LARGEST = 16 << 20

export const oldFilesIn = (dir: string): readonly OldFile[] =>
  readdirSync(dir).flatMap(name => {
    if (/^.{1,80}-[0-9a-f]{32}\.json$/s.test(name)) return [oldReceipt(dir, name)]
    if (name === 'notices.json') return [oldSent(dir, name)]
    if (name === 'unsent.json') return [oldUnsent(dir, name)]
    return []
  })

/** What the database has already is newer. */
export function importFiles(db: DatabaseSync, files: readonly OldFile[]): void {
  for (const { put } of files) put(db)
}

/** Once they are in the database; what cannot be renamed is read again by the next process, to the same end. */
export function setImported(
  dir: string,
  files: readonly OldFile[],
  onDamage: (what: string, setAside?: string) => void,
) {
  for (const { name, isWhole } of files) {
    const path = join(dir, name)
    try {
      renameSync(path, `${path}.imported`)
      if (!isWhole) onDamage(path, `${path}.imported`)
    } catch {}
  }
}

function oldReceipt(dir: string, name: string): OldFile {
  const receipt = parseReceipt(textOf(join(dir, name)))
  const put = (db: DatabaseSync) => {
    if (receipt && !selectReceipts(db, receipt.lineage).has(receipt.lineage)) replaceReceipt(db, receipt)
  }
  return { name, isWhole: receipt !== undefined, put }
}

function oldSent(dir: string, name: string): OldFile {
  const value = parsed(textOf(join(dir, name)))
  const sent = Object.entries(isRecord(value) ? value : {}).filter(
    (one): one is [string, string] => typeof one[1] === 'string' && !Number.isNaN(Date.parse(one[1])),
  )
  return { name, isWhole: isRecord(value), put: db => insertSent(db, sent) }
}

function oldUnsent(dir: string, name: string): OldFile {
  const value = parsed(textOf(join(dir, name)))
  const unsent = (Array.isArray(value) ? value : []).map(one => ({
    since: String(one?.since ?? ''),
    notification: JSON.stringify(one),
  }))
  return { name, isWhole: Array.isArray(value), put: db => insertUnsent(db, unsent) }
}

/** Of a regular file; empty of anything else, and of what cannot be read. */
function textOf(path: string): string {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stat = fstatSync(file)
      return stat.isFile() && stat.size <= LARGEST ? readFileSync(file, 'utf8') : ''
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}
