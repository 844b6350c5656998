/** The receipts in the state database: each read, amended and written in one transaction. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { isSamePlace, isThere } from '../files/fileSystem.ts'
import { type Lineage, nameTaken } from '../sources/lineage.ts'
import { DATABASE, type OnDamage, openState } from './database.ts'
import type { Pause } from './pause.ts'
import { emptyReceipt, type Receipt, type Standing } from './receipt.ts'
import {
  deleteReceipt,
  replacePause,
  replaceReceipt,
  selectPause,
  selectReceipts,
  selectSent,
  selectStandings,
  selectUnsent,
  type UnsentRow,
} from './rows.ts'

/** The receipt, where it is this place's, or that of one that has gone. @throws Fault NAME_CONFLICT. */
export function ownReceipt(lineage: Lineage, receipt: Receipt): Receipt {
  const { path } = receipt
  if (path === undefined || isSamePlace(path, lineage.chain) || !isThere(path)) return receipt
  throw nameTaken(lineage, path)
}

/** Every member rejects with the Fault STATE_DIR_UNUSABLE where the directory or the database cannot be used. */
export interface ReceiptStore {
  /** Proves that receipts can be written, before anything is uploaded. */
  readonly prepare: () => Promise<void>
  readonly recall: (lineage: string) => Promise<Receipt>
  /** Reads, amends and writes; no other process writes in between. */
  readonly record: (lineage: string, amend: (receipt: Receipt) => Receipt) => Promise<void>
  /** By one query. */
  readonly all: () => Promise<readonly Receipt[]>
  /** By one query that reads no more than this, by lineage. */
  readonly standings: () => Promise<ReadonlyMap<string, Standing>>
  /** False where nothing is known of it. */
  readonly forget: (lineage: string) => Promise<boolean>
  readonly notifications: () => Promise<Notifications>
  /** Why the daemon's uploads are paused, also where that was until lately. */
  readonly pause: () => Promise<Pause | undefined>
  /** Undefined ends it. */
  readonly recordPause: (pause: Pause | undefined) => Promise<void>
  /** What could not be read so far, in words. */
  readonly unreadable: () => readonly string[]
}

export interface Notifications {
  readonly sent: Readonly<Record<string, string>>
  readonly unsent: readonly UnsentRow[]
}

/** A record with a few superseded IDs takes less. In bytes. */
const PROBE_SIZE = 16_384

export function openReceiptStore(dir: string, onDamage: OnDamage, now: () => Date): ReceiptStore {
  const unreadable = new Set<string>()
  const report: OnDamage = (what, setAside) => {
    if (setAside) onDamage(what, setAside)
    else if (!unreadable.has(what)) onDamage(what)
    unreadable.add(what)
  }
  const state = openState(dir, report, now)
  const select = (db: DatabaseSync, lineage?: string) => {
    const found = selectReceipts(db, lineage)
    for (const [name, receipt] of found) if (!receipt) report(`${join(dir, DATABASE)}: the record of ${name}`)
    return found
  }
  return {
    prepare: async () => {
      state.makeDirectory()
      state.write(db => {
        const sql =
          'INSERT INTO write_probe VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET filler = excluded.filler'
        // other bytes each time: SQLite does not write what is there already
        db.prepare(sql).run(randomBytes(PROBE_SIZE))
      })
    },
    recall: async lineage => state.read(db => select(db, lineage).get(lineage)) ?? emptyReceipt(lineage),
    record: async (lineage, amend) =>
      state.write(db => {
        replaceReceipt(db, amend(select(db, lineage).get(lineage) ?? emptyReceipt(lineage)))
      }),
    all: async () => {
      const found = state.read(db => [...select(db).values()]) ?? []
      return found.filter(receipt => receipt !== undefined)
    },
    standings: async () => state.read(selectStandings) ?? new Map(),
    forget: async lineage =>
      state.read(db => selectReceipts(db, lineage).has(lineage)) === true &&
      state.write(db => deleteReceipt(db, lineage)),
    notifications: async () =>
      state.read(db => ({ sent: selectSent(db), unsent: selectUnsent(db) })) ?? { sent: {}, unsent: [] },
    pause: async () => state.read(selectPause),
    recordPause: async pause => state.write(db => replacePause(db, pause)),
    unreadable: () => [...unreadable],
  }
}
