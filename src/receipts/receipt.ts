/** What we know was uploaded for a lineage, and how that knowledge grows. Pure. */
import type { Bundle, Identity } from '../certificate/bundle.ts'
import type { Fault } from '../errors.ts'
import type { FileStamps } from '../sources/fileStamp.ts'
import type { Uploaded } from '../tencent/uploadRequest.ts'
import { FIRST_BACKOFF_MS, MAX_BACKOFF_MS } from '../util/schedule.ts'
import type { Replacement } from './replacement.ts'

export interface RetryState {
  readonly fingerprint: string
  readonly since: string
  /** Runs that failed in a row, each after all its own attempts. */
  readonly failures: number
  readonly nextAttemptAt: string
  readonly code: string
  readonly message: string
}

/** One more failure in a row; other bytes begin a new row. Half of the wait is certain and half is thrown (0 ≤ dice < 1). */
export function recordRetry(
  before: RetryState | undefined,
  { fingerprint, fault, now, dice }: { fingerprint: string; fault: Fault; now: Date; dice: number },
): RetryState {
  const row = before?.fingerprint === fingerprint ? before : undefined
  const failures = (row?.failures ?? 0) + 1
  const longest = fault.silent ? MAX_BACKOFF_MS.unanswered : MAX_BACKOFF_MS.answered
  const full = Math.min(longest, FIRST_BACKOFF_MS * 2 ** (failures - 1))
  return {
    fingerprint,
    since: row?.since ?? now.toISOString(),
    failures,
    nextAttemptAt: new Date(now.getTime() + full / 2 + (full / 2) * dice).toISOString(),
    code: fault.code,
    message: fault.message,
  }
}

/** When the next attempt is due, where it is not due yet. A clock that was set back far does not make it wait for ever. */
export function backoffUntil(
  failing: RetryState | undefined,
  fingerprint: string,
  now: Date,
): Date | undefined {
  if (failing?.fingerprint !== fingerprint) return undefined
  const next = new Date(failing.nextAttemptAt)
  const ms = next.getTime() - now.getTime()
  return ms > 0 && ms <= MAX_BACKOFF_MS.answered ? next : undefined
}

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
  /** Whether the service had it before this host sent it. Absent where that is not known. */
  readonly reused?: boolean
  /** How the files stand in which this certificate was last found. */
  readonly files?: FileStamps
  /** When they must be read again though they stand so: one of their certificates begins or ends to be valid. */
  readonly changesAt?: string
}

/** All of an upload that a check needs to find that its files are unchanged. */
export interface Standing extends Pick<Upload, 'certificateId' | 'endpoint' | 'files'> {
  readonly changesAt?: string | null
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
  /** This and the next two are absent in older receipts. */
  readonly leaf?: string
  readonly endpoint?: string
  readonly notBefore?: string
  readonly notAfter: string
  readonly uploadedAt: string
  readonly supersededAt: string
  /** It gave way to an older one, or to one that another process uploaded meanwhile: it may be the newer, and may return. */
  readonly mayReturn?: true
  /** As of an upload: what another host or a person has put there is not this host's to delete. */
  readonly reused?: boolean
  /** Whether a resource of the account uses it; absent where that is not known. */
  readonly bound?: 'no' | 'yes'
  /** When that was found out. */
  readonly boundAt?: string
  /** When the service was asked to send no reminders of its expiry. */
  readonly silencedAt?: string
  /** When it was deleted in the account. */
  readonly deletedAt?: string
}

export interface Receipt {
  readonly lineage: string
  /** Where its chain lay when this was recorded. Absent in receipts written before a name was held to one place. */
  readonly path?: string
  readonly uploaded: Upload | undefined
  /** Newest first. */
  readonly superseded: readonly Superseded[]
  readonly rejected: Rejection | undefined
  readonly failing: RetryState | undefined
  readonly replacement?: Replacement
}

/** Superseded IDs kept: more than ten years of six-day certificates. */
const MAX_SUPERSEDED = 1_000

export const emptyReceipt = (lineage: string): Receipt => ({
  lineage,
  uploaded: undefined,
  superseded: [],
  rejected: undefined,
  failing: undefined,
})

/**
 * After an upload: what the same endpoint had before is superseded, unless it is the very same certificate. `planned` is
 * what the decision to upload knew of. Where another one stands here now, another process recorded it while this upload
 * was under way: by their dates the newer stays, and the next check puts it right where these say it wrongly.
 */
export function withUpload(
  receipt: Receipt,
  sent: Upload,
  forced: boolean,
  planned: Upload | 'none' = receipt.uploaded ?? 'none',
): Receipt {
  const before = replacedBy(receipt, sent)
  const upload = withOrigin(receipt, sent)
  const raced = before !== undefined && (planned === 'none' || before.certificateId !== planned.certificateId)
  const overtaken = raced && !forced && isOlder(upload, before)
  const [current, replaced] = overtaken ? [before, upload] : [upload, before]
  const mayReturn =
    before !== undefined && (raced || isOlder(upload, before) || supersededAs(receipt, upload) !== undefined)
  const entry: Superseded | undefined = replaced && {
    ...supersede(replaced),
    supersededAt: upload.uploadedAt,
    ...(mayReturn && { mayReturn }),
  }
  const others = receipt.superseded.filter(
    ({ certificateId }) => certificateId !== current.certificateId && certificateId !== entry?.certificateId,
  )
  // overtaken by several, or after one that gave way to it, it has its place among them, not before them
  const older = others.findIndex(
    ({ notBefore = '', mayReturn: doubt }) =>
      !(overtaken || doubt) || notBefore < (entry?.notBefore ?? notBefore),
  )
  const all = entry ? others.toSpliced(older < 0 ? others.length : older, 0, entry) : others
  // a renewal leaves no doubt about all that came before it
  const superseded = before && !mayReturn ? all.map(({ mayReturn: _, ...one }) => one) : all
  return {
    ...receipt,
    uploaded: current,
    superseded: superseded.slice(0, MAX_SUPERSEDED),
    rejected: undefined,
    failing: undefined,
  }
}

/** An ID that this host created stays so when the service names it again. */
function withOrigin({ uploaded, superseded }: Receipt, sent: Upload): Upload {
  const known = [...(uploaded ? [uploaded] : []), ...superseded].find(
    ({ certificateId }) => certificateId === sent.certificateId,
  )
  return known?.reused === undefined ? sent : { ...sent, reused: known.reused }
}

/** The upload that this one takes the place of, if any. */
export const replacedBy = (
  { uploaded }: Receipt,
  next: Pick<Upload, 'endpoint' | 'certificateId'>,
): Upload | undefined =>
  uploaded && uploaded.endpoint === next.endpoint && uploaded.certificateId !== next.certificateId
    ? uploaded
    : undefined

/**
 * Whether the dates speak for an older one: it begins earlier and ends no later. One alone says nothing: authorities
 * backdate, and a six-day certificate that follows a 90-day one ends earlier.
 */
export const isOlder = (one: Dates, other: Dates): boolean =>
  one.notBefore < other.notBefore && one.notAfter <= other.notAfter

type Dates = Pick<Upload, 'notBefore' | 'notAfter'>

/** What is known of a certificate that was uploaded and then replaced; undefined of any that may be newer than the current one. */
export const supersededAs = (
  { uploaded, superseded }: Receipt,
  { leaf, fingerprint, endpoint }: Pick<Upload, 'leaf' | 'fingerprint' | 'endpoint'>,
): Superseded | undefined =>
  // the current one's leaf with another chain is not an older certificate
  uploaded?.leaf === leaf
    ? undefined
    : superseded.find(
        one =>
          !one.mayReturn &&
          (one.endpoint ?? endpoint) === endpoint &&
          (one.leaf === undefined ? one.fingerprint === fingerprint : one.leaf === leaf),
      )

const supersede = ({
  certificateId,
  fingerprint,
  leaf,
  endpoint,
  notBefore,
  notAfter,
  uploadedAt,
  reused,
}: Upload) => ({
  certificateId,
  fingerprint,
  leaf,
  endpoint,
  notBefore,
  notAfter,
  uploadedAt,
  ...(reused !== undefined && { reused }),
})

export const withRejection = (receipt: Receipt, rejected: Rejection): Receipt => ({
  ...receipt,
  rejected,
  failing: undefined,
})

export const uploadOf = (
  bundle: Bundle,
  { certificateId, requestId, reused }: Uploaded,
  endpoint: string,
  now: Date,
  files?: FileStamps,
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
  reused,
  ...standing(bundle, files),
})

/** Nothing for files whose content is reported each time. */
const standing = (
  { flaws, changesAt }: Pick<Bundle, 'flaws' | 'changesAt'>,
  files: FileStamps | undefined,
): Pick<Upload, 'files' | 'changesAt'> =>
  files && !flaws.length ? { files, ...(changesAt && { changesAt: changesAt.toISOString() }) } : {}

/** The certificate that was uploaded, found once more in files that stand like this. */
export function withMarks(receipt: Receipt, bundle: Bundle, files: FileStamps): Receipt {
  if (receipt.uploaded?.fingerprint !== bundle.fingerprint) return receipt
  const { files: _, changesAt: __, ...uploaded } = receipt.uploaded
  return { ...receipt, uploaded: { ...uploaded, ...standing(bundle, files) } }
}

/** What was uploaded, as the bundle itself would be described. */
export const uploadedIdentity = ({ fingerprint, leaf, names, notBefore, notAfter }: Upload): Identity => ({
  fingerprint,
  leaf,
  names,
  notBefore: new Date(notBefore),
  notAfter: new Date(notAfter),
  notes: [],
  flaws: [],
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
