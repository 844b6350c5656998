/** A receipt as the text of its file. By hand, not by a schema: every start reads one, and a sweep reads ten thousand. Pure. */
import type { FileStamps } from '../sources/fileStamp.ts'
import { escapeText } from '../terminal/text.ts'
import type { Receipt, Rejection, RetryState, Superseded, Upload } from './receipt.ts'

export const fileStemOf = (lineage: string): string => lineage.replace(/[^A-Za-z0-9.-]/g, '_').slice(0, 80)

/** The title in such a name; undefined of any other file. */
export const fileStemIn = (name: string): string | undefined =>
  /^(.{1,80})-[0-9a-f]{32}\.json$/s.exec(name)?.[1]

/** The text of a receipt file: a person prints it to a terminal, and looks for the last upload's members at the top. */
export const serializeReceipt = ({
  lineage,
  path,
  uploaded,
  superseded,
  rejected,
  failing,
}: Receipt): string => {
  const kept = { superseded, rejected: rejected ?? null, failing: failing ?? null }
  return `${escapeText(JSON.stringify({ version: 1, lineage, path, ...uploaded, ...kept }, null, 2))}\n`
}

/** The receipt in a file's text, or undefined where the text is damaged, of another version or of another lineage. */
export function parseReceipt(text: string, expected?: string): Receipt | undefined {
  const disk = parsed(text)
  if (!isRecord(disk) || disk.version !== 1 || !isText(disk.lineage)) return undefined
  const { lineage, path } = disk
  if (path !== undefined && !isText(path)) return undefined
  if (expected !== undefined && disk.lineage !== expected) return undefined
  const uploaded = disk.certificateId === undefined ? undefined : checkShape<Upload>(UPLOAD, disk)
  if (!uploaded && (disk.certificateId !== undefined || !isAbsent(disk))) return undefined
  if (!Array.isArray(disk.superseded)) return undefined
  const superseded = disk.superseded.map(one => checkShape<Superseded>(SUPERSEDED, one))
  const rejected = orNull(disk.rejected, one => checkShape<Rejection>(REJECTION, one))
  // absent in receipts written before there was a daemon
  const failing = orNull(disk.failing ?? null, one => checkShape<RetryState>(FAILING, one))
  if (!superseded.every(one => one !== undefined) || rejected === 'damaged' || failing === 'damaged')
    return undefined
  const kept = { lineage, superseded, rejected, failing }
  // without a path the files are read once more, and it is recorded with their marks
  return path === undefined
    ? { ...kept, uploaded: uploaded && withoutMarks(uploaded) }
    : { ...kept, path, uploaded }
}

const withoutMarks = ({ files: _, ...uploaded }: Upload): Upload => uploaded

type Check = (value: unknown) => boolean

type Shape<T> = { readonly [Name in keyof Required<T>]: Check }

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown): value is string => typeof value === 'string'

const isSha256: Check = value => isText(value) && /^[0-9a-f]{64}$/.test(value)

/** Exactly as written here: dates in one form can be compared as text, and none of them is a 30th of February. */
const isDate: Check = value => {
  if (!isText(value)) return false
  const time = Date.parse(value)
  return !Number.isNaN(time) && new Date(time).toISOString() === value
}

const optional =
  (check: Check): Check =>
  value =>
    value === undefined || check(value)

const isMarks: Check = value =>
  isRecord(value) && isText(value.chain) && (value.key === null || isText(value.key))

const UPLOAD: Shape<Upload> = {
  certificateId: value => isText(value) && value !== '',
  requestId: isText,
  fingerprint: isSha256,
  leaf: isSha256,
  names: value => Array.isArray(value) && value.every(isText),
  notBefore: isDate,
  notAfter: isDate,
  uploadedAt: isDate,
  endpoint: isText,
  files: optional(isMarks),
  changesAt: optional(isDate),
}

const REJECTION: Shape<Rejection> = {
  fingerprint: isSha256,
  settings: isText,
  endpoint: isText,
  apiCode: value => value === null || isText(value),
  message: isText,
  at: isDate,
}

const SUPERSEDED: Shape<Superseded> = {
  certificateId: isText,
  fingerprint: isSha256,
  leaf: optional(isSha256),
  endpoint: optional(isText),
  notBefore: optional(isDate),
  notAfter: isDate,
  uploadedAt: isDate,
  supersededAt: isDate,
  mayReturn: optional(value => value === true),
}

const FAILING: Shape<RetryState> = {
  fingerprint: isText,
  since: isDate,
  failures: value => Number.isSafeInteger(value) && (value as number) >= 1,
  nextAttemptAt: isDate,
  code: isText,
  message: isText,
}

/** Nothing of an upload without an ID. */
const isAbsent = (disk: Readonly<Record<string, unknown>>) =>
  Object.entries(UPLOAD).every(([name, check]) => disk[name] === undefined || check(disk[name]))

/** The members that the shape names, and no others; undefined where one is not as it should be. */
function checkShape<T>(shape: Shape<T>, value: unknown): T | undefined {
  if (!isRecord(value)) return undefined
  const found: Record<string, unknown> = {}
  for (const name in shape) {
    const member = value[name]
    if (!shape[name](member)) return undefined
    if (member !== undefined) found[name] = name === 'files' ? marksIn(member as FileStamps) : member
  }
  return found as T
}

const marksIn = ({ chain, key }: FileStamps): FileStamps => ({ chain, key })

function orNull<T>(value: unknown, read: (value: unknown) => T | undefined): T | undefined | 'damaged' {
  return value === null ? undefined : (read(value) ?? 'damaged')
}
