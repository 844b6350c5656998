/** Receipts and notifications as rows of the state database. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Pause } from './pause.ts'
import type { Receipt, Standing, Superseded } from './receipt.ts'
import { isId, parsed, receiptFrom } from './shape.ts'

const LINEAGE = `name, path, certificate_id, request_id, fingerprint, leaf, names, not_before, not_after, uploaded_at, endpoint,
  reused, chain_stamp, key_stamp, changes_at`

const SUPERSEDED = `lineage, certificate_id AS certificateId, fingerprint, leaf, endpoint, not_before AS notBefore,
  not_after AS notAfter, uploaded_at AS uploadedAt, superseded_at AS supersededAt, may_return AS mayReturn, reused,
  nullif(bound, 'unknown') AS bound, bound_at AS boundAt,
  silenced_at AS silencedAt, deleted_at AS deletedAt`

const REJECTION = 'lineage, fingerprint, settings, endpoint, api_code AS apiCode, message, at'

const RETRY = 'lineage, fingerprint, since, failures, next_attempt_at AS nextAttemptAt, code, message'

type Row = Readonly<Record<string, unknown>>

type Text = string | null

type LineageRow = readonly [
  ...[
    name: string,
    path: Text,
    certificateId: Text,
    requestId: Text,
    fingerprint: Text,
    leaf: Text,
    names: Text,
  ],
  ...[notBefore: Text, notAfter: Text, uploadedAt: Text, endpoint: Text, reused: number | null],
  ...[chainStamp: Text, keyStamp: Text, changesAt: Text],
]

/**
 * Of every lineage that has one, without what else its receipt says: damage elsewhere in a record is noticed by what reads all
 * of it (an upload, status, check, the daemon).
 */
export function selectStandings(db: DatabaseSync): ReadonlyMap<string, Standing> {
  const columns = 'name, certificate_id, endpoint, chain_stamp, key_stamp, changes_at'
  const statement = prepared(
    db,
    `SELECT ${columns} FROM lineages WHERE path IS NOT NULL AND chain_stamp IS NOT NULL`,
  )
  statement.setReturnArrays(true)
  const standings = new Map<string, Standing>()
  for (const row of statement.iterate() as Iterable<unknown>) {
    const [name, certificateId, endpoint, chain, key, changesAt] = row as StandingRow
    // left out, and so read whole, reported and learned again
    if (isId(certificateId))
      standings.set(name, { certificateId, endpoint, files: { chain, key }, changesAt })
  }
  return standings
}

type StandingRow = readonly [
  ...[name: string, certificateId: string, endpoint: string, chainStamp: string],
  ...[keyStamp: Text, changesAt: Text],
]

const statements = new WeakMap<DatabaseSync, Map<string, StatementSync>>()

/** Prepared once: a daemon reads one receipt after another. */
export function prepared(db: DatabaseSync, sql: string): StatementSync {
  const known = statements.get(db) ?? new Map<string, StatementSync>()
  statements.set(db, known)
  const statement = known.get(sql) ?? db.prepare(sql)
  known.set(sql, statement)
  return statement
}

/** Every receipt, or that of one lineage; `undefined` in the place of one that is not as it should be. */
export function selectReceipts(db: DatabaseSync, lineage?: string): ReadonlyMap<string, Receipt | undefined> {
  const names = lineage === undefined ? [] : [lineage]
  const prepare = (columns: string, table: string, key: string, order = '') =>
    prepared(db, `SELECT ${columns} FROM ${table}${names.length ? ` WHERE ${key} = ?` : ''}${order}`)
  const select = (...query: Parameters<typeof prepare>) => prepare(...query).all(...names) as Row[]
  const superseded = Map.groupBy(
    select(SUPERSEDED, 'superseded', 'lineage', ' ORDER BY lineage, position'),
    row => row.lineage,
  )
  const byLineage = (rows: Row[]) => new Map(rows.map(row => [row.lineage, row]))
  const rejections = byLineage(select(REJECTION, 'rejections', 'lineage'))
  const retries = byLineage(select(RETRY, 'retries', 'lineage'))
  const replacements = byLineage(select('lineage, document', 'replacements', 'lineage'))
  // ten thousand as arrays, one after another, take a third of the time that they take as objects
  const lineages = prepare(LINEAGE, 'lineages', 'name')
  lineages.setReturnArrays(true)
  const receipts = new Map<string, Receipt | undefined>()
  for (const row of lineages.iterate(...names) as Iterable<unknown>) {
    const [name, path, certificateId, requestId, fingerprint, leaf, domains, ...others] = row as LineageRow
    const [notBefore, notAfter, uploadedAt, endpoint, reused, chain, key, changesAt] = others
    const document = replacements.get(name)?.document
    const receipt = receiptFrom({
      lineage: name,
      path: path ?? undefined,
      certificateId: certificateId ?? undefined,
      requestId: requestId ?? undefined,
      fingerprint: fingerprint ?? undefined,
      leaf: leaf ?? undefined,
      names: domains === null ? undefined : parsed(domains),
      notBefore: notBefore ?? undefined,
      notAfter: notAfter ?? undefined,
      uploadedAt: uploadedAt ?? undefined,
      endpoint: endpoint ?? undefined,
      reused: reused === null ? undefined : reused === 1,
      files: chain === null ? undefined : { chain, key },
      changesAt: changesAt ?? undefined,
      superseded: superseded.get(name)?.map(supersededOf) ?? [],
      rejected: rejections.get(name),
      failing: retries.get(name),
      replacement: document === undefined ? undefined : parsed(String(document)),
    })
    receipts.set(name, receipt)
  }
  return receipts
}

function supersededOf(row: Row): Row {
  const { mayReturn, reused, ...others } = row
  const members: Record<string, unknown> = Object.fromEntries(
    Object.entries(others).filter(([, value]) => value !== null),
  )
  if (mayReturn === 1) members.mayReturn = true
  if (reused !== null) members.reused = reused === 1
  return members
}

export function replaceReceipt(db: DatabaseSync, receipt: Receipt): void {
  const { lineage, path = null, uploaded, superseded, rejected, failing, replacement } = receipt
  upsert(db, 'lineages', {
    name: lineage,
    path,
    certificate_id: uploaded?.certificateId,
    request_id: uploaded?.requestId,
    fingerprint: uploaded?.fingerprint,
    leaf: uploaded?.leaf,
    names: uploaded && JSON.stringify(uploaded.names),
    not_before: uploaded?.notBefore,
    not_after: uploaded?.notAfter,
    uploaded_at: uploaded?.uploadedAt,
    endpoint: uploaded?.endpoint,
    reused: bit(uploaded?.reused),
    chain_stamp: uploaded?.files?.chain,
    key_stamp: uploaded?.files?.key,
    changes_at: uploaded?.changesAt,
  })
  for (const table of ['superseded', 'rejections', 'retries', 'replacements'])
    prepared(db, `DELETE FROM ${table} WHERE lineage = ?`).run(lineage)
  for (const [position, one] of superseded.entries())
    upsert(db, 'superseded', supersededRow(lineage, position, one))
  if (rejected) {
    const { apiCode: api_code, ...others } = rejected
    upsert(db, 'rejections', { lineage, ...others, api_code })
  }
  if (failing) {
    const { nextAttemptAt: next_attempt_at, ...others } = failing
    upsert(db, 'retries', { lineage, ...others, next_attempt_at })
  }
  if (replacement)
    upsert(db, 'replacements', { lineage, state: replacement.state, document: JSON.stringify(replacement) })
}

const supersededRow = (lineage: string, position: number, one: Superseded) => ({
  lineage,
  position,
  certificate_id: one.certificateId,
  fingerprint: one.fingerprint,
  leaf: one.leaf,
  endpoint: one.endpoint,
  not_before: one.notBefore,
  not_after: one.notAfter,
  uploaded_at: one.uploadedAt,
  superseded_at: one.supersededAt,
  may_return: bit(one.mayReturn),
  reused: bit(one.reused),
  bound: one.bound ?? 'unknown',
  bound_at: one.boundAt,
  silenced_at: one.silencedAt,
  deleted_at: one.deletedAt,
})

const bit = (value: boolean | undefined) => (value === undefined ? undefined : Number(value))

const KEYS: Readonly<Record<string, string>> = {
  lineages: 'name',
  superseded: 'lineage, position',
  rejections: 'lineage',
  retries: 'lineage',
  replacements: 'lineage',
}

/** Not INSERT OR REPLACE: that would delete the row first, and with it all that refers to it. */
function upsert(
  db: DatabaseSync,
  table: string,
  row: Readonly<Record<string, string | number | null | undefined>>,
) {
  const columns = Object.keys(row)
  const places = columns.map(() => '?').join(', ')
  const changes = columns.map(name => `${name} = excluded.${name}`).join(', ')
  prepared(
    db,
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places}) ON CONFLICT (${KEYS[table]}) DO UPDATE SET ${changes}`,
  ).run(...Object.values(row).map(value => value ?? null))
}

/** False where there was none. */
export const deleteReceipt = (db: DatabaseSync, lineage: string): boolean =>
  prepared(db, 'DELETE FROM lineages WHERE name = ?').run(lineage).changes > 0

/** By key, when it was last sent. */
export const selectSent = (db: DatabaseSync): Readonly<Record<string, string>> =>
  Object.fromEntries(
    db
      .prepare('SELECT key, at FROM sent_notifications')
      .all()
      .map(({ key, at }) => [String(key), String(at)]),
  )

export function insertSent(
  db: DatabaseSync,
  entries: ReadonlyArray<readonly [key: string, at: string]>,
): void {
  const sql = 'INSERT INTO sent_notifications VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET at = excluded.at'
  const insert = prepared(db, sql)
  for (const [key, at] of entries) insert.run(key, at)
}

export const deleteSentBefore = (db: DatabaseSync, at: string) =>
  prepared(db, 'DELETE FROM sent_notifications WHERE at < ?').run(at)

export interface UnsentRow {
  readonly id: number
  readonly since: string
  /** JSON. */
  readonly notification: string
}

export const selectUnsent = (db: DatabaseSync): readonly UnsentRow[] =>
  db
    .prepare('SELECT id, since, notification FROM unsent_notifications ORDER BY id')
    .all()
    .map(({ id, since, notification }) => ({
      id: Number(id),
      since: String(since),
      notification: String(notification),
    }))

export function deleteUnsent(db: DatabaseSync, ids: readonly number[]): void {
  const remove = prepared(db, 'DELETE FROM unsent_notifications WHERE id = ?')
  for (const id of ids) remove.run(id)
}

export function insertUnsent(db: DatabaseSync, rows: ReadonlyArray<Omit<UnsentRow, 'id'>>): void {
  const insert = prepared(db, 'INSERT INTO unsent_notifications (since, notification) VALUES (?, ?)')
  for (const { since, notification } of rows) insert.run(since, notification)
}

export function selectPause(db: DatabaseSync): Pause | undefined {
  const row = prepared(db, 'SELECT since, until, message, advice FROM pauses').get()
  if (!row) return undefined
  const [since, until, message, advice] = [row.since, row.until, row.message, row.advice].map(String)
  return { since, until, message, advice } as Pause
}

export function replacePause(db: DatabaseSync, pause: Pause | undefined): void {
  db.exec('DELETE FROM pauses')
  if (!pause) return
  const { since, until, message, advice } = pause
  prepared(db, 'INSERT INTO pauses VALUES (?, ?, ?, ?)').run(since, until, message, advice)
}
