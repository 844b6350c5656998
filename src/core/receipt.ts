/** What we know was uploaded for a lineage, and how that knowledge grows. Pure. */
import type { Bundle, Identity } from './bundle.ts'
import type { Failing } from './failing.ts'
import type { Fault } from './fault.ts'
import type { Marks } from './mark.ts'
import type { Uploaded } from './upload.ts'

/** Digests are hexadecimal, dates as `Date.toISOString` writes them: they can be compared as text. */
export interface Upload {
  readonly certificateId: string
  readonly requestId: string
  readonly fingerprint: string
  readonly leaf: string
  readonly names: readonly string[]
  readonly notBefore: string
  readonly notAfter: string
  readonly uploadedAt: string
  /** The host it was uploaded to: an ID given by an emulator or by the other site means nothing here. */
  readonly endpoint: string
  /** How the files stand in which this certificate was last found. */
  readonly files?: Marks
}

export interface Rejection {
  readonly fingerprint: string
  /** Digest of the settings it was sent with: other settings make another request. */
  readonly settings: string
  /** The host that refused it; another may take it. */
  readonly endpoint: string
  readonly apiCode: string | null
  readonly message: string
  readonly at: string
}

export interface Superseded {
  readonly certificateId: string
  readonly fingerprint: string
  /** Absent in receipts written before the order was kept by it. */
  readonly notBefore?: string
  readonly notAfter: string
  readonly uploadedAt: string
  readonly supersededAt: string
}

export interface Receipt {
  readonly lineage: string
  readonly uploaded: Upload | undefined
  /** Newest first. */
  readonly superseded: readonly Superseded[]
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
  files?: Marks,
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
  ...(files && { files }),
})

/** The certificate that was uploaded, found once more in files that stand like this. */
export const withMarks = (receipt: Receipt, fingerprint: string, files: Marks): Receipt =>
  receipt.uploaded?.fingerprint === fingerprint
    ? { ...receipt, uploaded: { ...receipt.uploaded, files } }
    : receipt

/** What was uploaded, as the bundle itself would be described. */
export const uploadedIdentity = ({ fingerprint, leaf, names, notBefore, notAfter }: Upload): Identity => ({
  fingerprint,
  leaf,
  names,
  notBefore: new Date(notBefore),
  notAfter: new Date(notAfter),
  notes: [],
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
