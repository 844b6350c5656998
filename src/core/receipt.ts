/** What we know was uploaded for a lineage, and how that knowledge grows. Pure. */
import * as v from 'valibot'
import type { Bundle } from './bundle.ts'
import { type Failing, FailingSchema } from './failing.ts'
import type { Fault } from './fault.ts'
import { escaped } from './jsonLine.ts'
import type { Uploaded } from './upload.ts'

/** Exactly as written here: dates in one form can be compared as text, and none of them is a 30th of February. */
const date = v.pipe(
  v.string(),
  v.check(text => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString() === text),
)
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))

const UploadSchema = v.object({
  certificateId: v.pipe(v.string(), v.minLength(1)),
  requestId: v.string(),
  fingerprint: sha256,
  leaf: sha256,
  names: v.array(v.string()),
  notBefore: date,
  notAfter: date,
  uploadedAt: date,
  /** The host it was uploaded to: an ID given by an emulator or by the other site means nothing here. */
  endpoint: v.string(),
})

const RejectionSchema = v.object({
  fingerprint: sha256,
  /** Digest of the settings it was sent with: other settings make another request. */
  settings: v.string(),
  /** The host that refused it; another may take it. */
  endpoint: v.string(),
  apiCode: v.nullable(v.string()),
  message: v.string(),
  at: date,
})

const SupersededSchema = v.object({
  certificateId: v.string(),
  fingerprint: sha256,
  /** Absent in receipts written before the order was kept by it. */
  notBefore: v.optional(date),
  notAfter: date,
  uploadedAt: date,
  supersededAt: date,
})

/** On disk the last upload's members stand at the top level, where a person and `jq .certificateId` look for them. */
const DiskSchema = v.object({
  version: v.literal(1),
  lineage: v.string(),
  ...v.partial(UploadSchema).entries,
  superseded: v.array(SupersededSchema),
  rejected: v.nullable(RejectionSchema),
  /** Absent in receipts written before there was a daemon. */
  failing: v.optional(v.nullable(FailingSchema), null),
})

export type Upload = v.InferOutput<typeof UploadSchema>
export type Rejection = v.InferOutput<typeof RejectionSchema>

export interface Receipt {
  readonly lineage: string
  readonly uploaded: Upload | undefined
  /** Newest first. */
  readonly superseded: ReadonlyArray<v.InferOutput<typeof SupersededSchema>>
  readonly rejected: Rejection | undefined
  readonly failing: Failing | undefined
}

/** Superseded IDs kept: two years of 45-day certificates with room to spare. */
const REMEMBERED = 32

export const emptyReceipt = (lineage: string): Receipt => ({
  lineage,
  uploaded: undefined,
  superseded: [],
  rejected: undefined,
  failing: undefined,
})

/** The text of a receipt file: a person prints it to a terminal. */
export const writeReceipt = ({ lineage, uploaded, superseded, rejected, failing }: Receipt): string => {
  const kept = { superseded, rejected: rejected ?? null, failing: failing ?? null }
  return `${escaped(JSON.stringify({ version: 1, lineage, ...uploaded, ...kept }, null, 2))}\n`
}

/** The receipt in a file's text, or undefined where the text is damaged, of another version or of another lineage. */
export function readReceipt(text: string, expected?: string): Receipt | undefined {
  const disk = v.safeParse(v.pipe(v.string(), v.parseJson(), DiskSchema), text)
  if (!disk.success || (expected !== undefined && disk.output.lineage !== expected)) return undefined
  const upload = v.safeParse(UploadSchema, disk.output)
  if (!upload.success && disk.output.certificateId !== undefined) return undefined
  const { lineage, superseded, rejected, failing } = disk.output
  return {
    lineage,
    uploaded: upload.success ? upload.output : undefined,
    superseded,
    rejected: rejected ?? undefined,
    failing: failing ?? undefined,
  }
}

/**
 * After an upload: what the same endpoint had before is superseded, unless it is the very same certificate. A plan
 * never goes back to an older certificate unforced, so a newer one found here was recorded by another process while
 * this upload was under way: then that one stays and ours counts as superseded.
 */
export function withUpload(receipt: Receipt, upload: Upload, forced: boolean): Receipt {
  const before = replacedBy(receipt, upload)
  const overtaken = before !== undefined && !forced && before.notBefore > upload.notBefore
  const [current, replaced] = overtaken ? [before, upload] : [upload, before]
  const entry = replaced && { ...superseding(replaced), supersededAt: upload.uploadedAt }
  const others = receipt.superseded.filter(
    ({ certificateId }) => certificateId !== current.certificateId && certificateId !== entry?.certificateId,
  )
  // overtaken by several, it has its place among them, not before them
  const older = others.findIndex(({ notBefore = '' }) => !overtaken || !entry || notBefore < entry.notBefore)
  const superseded = entry ? others.toSpliced(older < 0 ? others.length : older, 0, entry) : others
  return {
    ...receipt,
    uploaded: current,
    superseded: superseded.slice(0, REMEMBERED),
    rejected: undefined,
    failing: undefined,
  }
}

/** The upload that this one takes the place of, if any. */
export const replacedBy = (
  { uploaded }: Receipt,
  next: Pick<Upload, 'endpoint' | 'certificateId'>,
): Upload | undefined =>
  uploaded && uploaded.endpoint === next.endpoint && uploaded.certificateId !== next.certificateId
    ? uploaded
    : undefined

const superseding = ({ certificateId, fingerprint, notBefore, notAfter, uploadedAt }: Upload) => ({
  certificateId,
  fingerprint,
  notBefore,
  notAfter,
  uploadedAt,
})

export const withRejection = (receipt: Receipt, rejected: Rejection): Receipt => ({
  ...receipt,
  rejected,
  failing: undefined,
})

export const uploadOf = (
  bundle: Bundle,
  { certificateId, requestId }: Uploaded,
  endpoint: string,
  now: Date,
): Upload => ({
  certificateId,
  requestId,
  fingerprint: bundle.fingerprint,
  leaf: bundle.leaf,
  names: [...bundle.names],
  notBefore: bundle.notBefore.toISOString(),
  notAfter: bundle.notAfter.toISOString(),
  uploadedAt: now.toISOString(),
  endpoint,
})

export const rejectionOf = (
  { fingerprint }: Bundle,
  way: Pick<Rejection, 'settings' | 'endpoint'>,
  { message, apiCode }: Fault,
  now: Date,
): Rejection => ({
  fingerprint,
  ...way,
  apiCode: apiCode ?? null,
  message,
  at: now.toISOString(),
})
