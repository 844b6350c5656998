/**
 * The state database: one SQLite file, opened in a directory that no other user decides about, created, migrated, and set
 * aside where it is damaged.
 *
 * Every call is one short transaction and never waits for anything but the disk and another process's transaction. The
 * connection stays open from one call to the next as long as the path leads to the same file.
 */
import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  type Stats,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Fault } from '../errors.ts'
import { importFiles, oldFilesIn, setImported } from './importFiles.ts'
import { prepared } from './rows.ts'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'
import {
  Damage,
  giveToOwner,
  guard,
  isBusy,
  isDamage,
  isMissing,
  isUnfinished,
  makeStateDirectory,
  onDisk,
} from './stateDirectory.ts'

export const DATABASE = 'state.db'

/** SQLite's, beside it. */
const JOURNAL = `${DATABASE}-journal`

/** A transaction takes milliseconds, and others may be waiting for theirs; the watchdog allows a minute. */
const BUSY_TIMEOUT_MS = 20_000

/** SQLite tries less and less often while it waits: from the start again, so that no process waits behind all others. */
const BUSY_ROUND_MS = 60

/** An empty file of this age is no database that another process is just creating. In milliseconds. */
const CREATED_BY_NOW = 10_000

/** A hundred thousand lineages take less. In bytes. */
const LARGEST = 1 << 28

/** A page of a database has at least so many bytes. */
const SHORTEST = 512

/** Something could not be read; `setAside` is its new name, where it got one. */
export type OnDamage = (what: string, setAside?: string) => void

export interface StateDatabase {
  /** One consistent read that changes nothing; undefined where there is no database, or none that can be read. */
  readonly read: <T>(work: (db: DatabaseSync) => T) => T | undefined
  /** One transaction. Creates the database, and sets a damaged one aside. @throws Fault STATE_DIR_UNUSABLE. */
  readonly write: <T>(work: (db: DatabaseSync) => T) => T
  /** Makes the directory where it is missing. @throws Fault STATE_DIR_UNUSABLE. */
  readonly makeDirectory: () => void
  readonly close: () => void
}

interface Connection {
  readonly db: DatabaseSync
  readonly file: Stats
  readonly isWritable: boolean
}

export function openState(dir: string, onDamage: OnDamage, now: () => Date): StateDatabase {
  const path = join(dir, DATABASE)
  let open: Connection | undefined
  let isReported = false

  const close = () => {
    open?.db.close()
    open = undefined
  }
  const connect = (file: Stats, isWritable: boolean) => {
    if (open && isSameFile(open.file, file) && (open.isWritable || !isWritable)) return open.db
    close()
    open = { db: openFile(dir, isWritable), file, isWritable }
    return open.db
  }
  const findFile = () => lstatSync(path, { throwIfNoEntry: false })

  const read: StateDatabase['read'] = work => {
    if (isMissing(dir)) return undefined
    guard(dir)
    const file = findFile()
    if (!file) return undefined
    try {
      if (!file.isFile()) throw new Damage()
      tryOpening(path, constants.O_RDONLY)
      return transaction(connect(file, false), beginRead, db => {
        if (isCurrent(db, path)) return work(db)
        const copy = migratedCopy(db)
        try {
          return copy && work(copy)
        } finally {
          copy?.close()
        }
      })
    } catch (error) {
      close()
      if (!isDamage(error) && !isUnfinished(error)) throw error
      if (!isReported) onDamage(path)
      isReported = true
      return undefined
    }
  }

  const write: StateDatabase['write'] = work => {
    guard(dir)
    accessSync(dir, constants.W_OK | constants.X_OK)
    for (let attempt = 1; ; attempt++) {
      const found = findFile()
      const file = found ?? create(dir)
      try {
        // an age says nothing of a file made here: the file system may have a clock of its own
        if (!file.isFile() || (found && isStub(found))) throw new Damage()
        tryOpening(path, constants.O_RDWR)
        const isFirst = open?.isWritable !== true || !isSameFile(open.file, file)
        const old = isFirst ? oldFilesIn(dir) : []
        const result = transaction(connect(file, true), beginWrite, db => {
          migrate(db, path)
          importFiles(db, old)
          return work(db)
        })
        if (isFirst) giveToOwner(dir, [DATABASE, JOURNAL], file)
        setImported(dir, old, onDamage)
        return result
      } catch (error) {
        close()
        if (!isDamage(error) || attempt > 3) throw error
        // SQLite also reports a page as damaged that the disk did not give: it may give it now
        if (attempt === 1) continue
        if (file.isFile() && file.size <= LARGEST && findFile()) readThrough(path)
        setAside(dir, file, now, onDamage)
      }
    }
  }

  return {
    read: work => onDisk(dir, () => read(work)),
    write: work => onDisk(dir, () => write(work)),
    makeDirectory: () => onDisk(dir, () => makeStateDirectory(dir)),
    close,
  }
}

function openFile(dir: string, isWritable: boolean): DatabaseSync {
  const path = join(realpathSync(dir), DATABASE)
  const db = new DatabaseSync(path, { readOnly: !isWritable, timeout: BUSY_TIMEOUT_MS })
  try {
    // SQLite follows a link that has been put in its place since, and returns the path
    if (db.location() !== path) throw new Damage()
    db.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON')
    if (isWritable) db.exec('PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

type Begin = (db: DatabaseSync) => void

const beginRead: Begin = db => db.exec('BEGIN')

const beginWrite: Begin = db => {
  // Node loads perf_hooks for `performance`: not before another process is waited for
  let deadline: number | undefined
  db.exec(`PRAGMA busy_timeout = ${BUSY_ROUND_MS}`)
  try {
    while (!db.isTransaction) {
      try {
        db.exec('BEGIN IMMEDIATE')
      } catch (error) {
        deadline ??= performance.now() + BUSY_TIMEOUT_MS
        if (!isBusy(error) || performance.now() > deadline) throw error
      }
    }
  } finally {
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
  }
}

function transaction<T>(db: DatabaseSync, begin: Begin, work: (db: DatabaseSync) => T): T {
  begin(db)
  try {
    const result = work(db)
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/** SQLite does not say why it cannot. @throws the system's error. */
const tryOpening = (path: string, flags: number) =>
  closeSync(openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK))

function create(dir: string): Stats {
  const path = join(dir, DATABASE)
  try {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    closeSync(openSync(path, flags, 0o600))
  } catch (error) {
    // another process was quicker
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return lstatSync(path)
}

function migrate(db: DatabaseSync, path: string): void {
  if (isCurrent(db, path)) return
  const version = numberOf(db, 'PRAGMA user_version')
  for (const sql of MIGRATIONS.slice(version)) db.exec(sql)
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}`)
}

/** An older schema's rows in today's tables, for a reader, which changes no file; undefined of an empty one. */
function migratedCopy(db: DatabaseSync): DatabaseSync | undefined {
  const version = numberOf(db, 'PRAGMA user_version')
  if (version <= 0) return undefined
  const copy = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false })
  for (const sql of MIGRATIONS.slice(0, version)) copy.exec(sql)
  for (const { name } of copy.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all())
    for (const row of db.prepare(`SELECT * FROM ${name}`).all()) {
      const values = Object.values(row)
      copy.prepare(`INSERT INTO ${name} VALUES (${values.map(() => '?').join()})`).run(...values)
    }
  for (const sql of MIGRATIONS.slice(version)) copy.exec(sql)
  return copy
}

/** False of an older schema, and of an empty file. */
function isCurrent(db: DatabaseSync, path: string): boolean {
  const version = numberOf(db, 'PRAGMA user_version')
  const isOurs = numberOf(db, 'PRAGMA application_id') === APPLICATION_ID
  if (!isOurs && (version !== 0 || numberOf(db, 'SELECT count(*) FROM sqlite_schema') > 0)) throw new Damage()
  if (version > MIGRATIONS.length) throw newer(path, version)
  return isOurs && version === MIGRATIONS.length
}

const numberOf = (db: DatabaseSync, sql: string) => Number(Object.values(prepared(db, sql).get() ?? {})[0])

const newer = (path: string, version: number) =>
  new Fault(
    'STATE_DIR_UNUSABLE',
    `${path} was written by a newer certferry (schema ${version}; this one knows ${MIGRATIONS.length})`,
    { advice: 'Install that version again, or name another directory with --state-dir.' },
  )

/** @throws the system's error where the disk does not give the file. */
function readThrough(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const buffer = Buffer.alloc(1 << 16)
    for (let at = 0, size = 1; size > 0; at += size) size = readSync(fd, buffer, 0, buffer.length, at)
  } finally {
    closeSync(fd)
  }
}

/** Not what another process has put there since: it is whole. */
function setAside(dir: string, damaged: Stats, now: () => Date, onDamage: OnDamage): void {
  const path = join(dir, DATABASE)
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found || !isSameFile(found, damaged)) return
  const aside = `${path}.damaged-${now().toISOString().replace(/[:.]/g, '')}`
  // its journal first: it would be rolled back into the next database
  if (lstatSync(`${path}-journal`, { throwIfNoEntry: false }))
    renameSync(`${path}-journal`, `${aside}-journal`)
  renameSync(path, aside)
  onDamage(path, aside)
}

const isSameFile = (one: Stats, other: Stats) => one.dev === other.dev && one.ino === other.ino

/** Shorter than any database, and not because another process is just creating it: SQLite would take it for an empty one. */
const isStub = ({ size, mtimeMs }: Stats) =>
  size === 0 ? Date.now() - mtimeMs > CREATED_BY_NOW : size < SHORTEST
