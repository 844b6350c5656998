/** What a record must have to be accepted, whether a row of the database or a file of an earlier version holds it. Pure. */
import type { FileStamps } from '../sources/fileStamp.ts'
import type { Receipt, Rejection, RetryState, Superseded, Upload } from './receipt.ts'
import { replacementFrom } from './replacement.ts'

/** The receipt in the text of an earlier version's file; undefined where it is damaged or something else. */
export function parseReceipt(text: string): Receipt | undefined {
  const disk = parsed(text)
  return isRecord(disk) && disk.version === 1 ? receiptFrom(disk) : undefined
}

/** The receipt that has these members; undefined where one of them is not as it should be. */
export function receiptFrom(disk: Readonly<Record<string, unknown>>): Receipt | undefined {
  const { lineage, path } = disk
  if (!isText(lineage) || (path !== undefined && !isText(path)) || !Array.isArray(disk.superseded))
    return undefined
  const uploaded = disk.certificateId === undefined ? undefined : checkShape<Upload>(UPLOAD, disk)
  if (!uploaded && (disk.certificateId !== undefined || !isAbsent(disk))) return undefined
  const superseded = disk.superseded.map(one => checkShape<Superseded>(SUPERSEDED, one))
  const rejected = orNull(disk.rejected, one => checkShape<Rejection>(REJECTION, one))
  const failing = orNull(disk.failing, one => checkShape<RetryState>(FAILING, one))
  if (!superseded.every(one => one !== undefined) || rejected === 'damaged' || failing === 'damaged')
    return undefined
  const replacement = replacementFrom(disk.replacement)
  const kept = { lineage, superseded, rejected, failing, ...(replacement && { replacement }) }
  // without a path the files are read once more, and it is recorded with their marks
  return path === undefined
    ? { ...kept, uploaded: uploaded && withoutMarks(uploaded) }
    : { ...kept, path, uploaded }
}

const withoutMarks = ({ files: _, ...uploaded }: Upload): Upload => uploaded

type Check = (value: unknown) => boolean

type Shape<T> = { readonly [Name in keyof Required<T>]: Check }

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown): value is string => typeof value === 'string'

const isSha256: Check = value => isText(value) && /^[0-9a-f]{64}$/.test(value)

/** Of a day that every month has. */
const ORDINARY_DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/

/** Exactly as written here: dates in one form can be compared as text, and none of them is a 30th of February. */
const isDate: Check = value => {
  if (!isText(value)) return false
  if (ORDINARY_DATE.test(value)) return true
  const time = Date.parse(value)
  return !Number.isNaN(time) && new Date(time).toISOString() === value
}

const optional =
  (check: Check): Check =>
  value =>
    value === undefined || check(value)

/** SQLite has no checksums: of an ID that a bad block has changed, this is what shows. */
export const isId: Check = value => isText(value) && /^[\w.-]{1,128}$/.test(value)

const isMarks: Check = value =>
  isRecord(value) && isText(value.chain) && (value.key === null || isText(value.key))

const UPLOAD: Shape<Upload> = {
  certificateId: isId,
  requestId: isText,
  fingerprint: isSha256,
  leaf: isSha256,
  names: value => Array.isArray(value) && value.every(isText),
  notBefore: isDate,
  notAfter: isDate,
  uploadedAt: isDate,
  endpoint: isText,
  reused: optional(value => typeof value === 'boolean'),
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
  certificateId: isId,
  fingerprint: isSha256,
  leaf: optional(isSha256),
  endpoint: optional(isText),
  notBefore: optional(isDate),
  notAfter: isDate,
  uploadedAt: isDate,
  supersededAt: isDate,
  mayReturn: optional(value => value === true),
  reused: optional(value => typeof value === 'boolean'),
  bound: optional(value => value === 'no' || value === 'yes'),
  boundAt: optional(isDate),
  silencedAt: optional(isDate),
  deletedAt: optional(isDate),
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
  return value === null || value === undefined ? undefined : (read(value) ?? 'damaged')
}
