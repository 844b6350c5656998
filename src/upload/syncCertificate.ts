/** The story of one lineage: glance → read → prove → plan → upload → record. Every effect comes in as a plain function. */
import type { Bundle, Files, Identity } from '../certificate/bundle.ts'
import { Fault } from '../errors.ts'
import {
  type Receipt,
  type Rejection,
  recordRetry,
  rejectionOf,
  replacedBy,
  uploadedIdentity,
  uploadOf,
  withMarks,
  withRejection,
  withUpload,
} from '../receipts/receipt.ts'
import { withoutKeys } from '../secret.ts'
import { type FileStamps, isEqual } from '../sources/fileStamp.ts'
import type { Lineage } from '../sources/lineage.ts'
import { settingsDigest, type Uploaded } from '../tencent/uploadRequest.ts'
import { decide, type UploadReason, unchangedUpload } from './decision.ts'
import type { Outcome, Verdict } from './outcome.ts'

/** Chain and key as they are now. */
interface PairReading {
  readonly files: Files
  /** Nobody has written them for a few seconds. */
  readonly settled: boolean
  /** Absent where a write from now on might not show in them. */
  readonly marks: FileStamps | undefined
}

export interface SyncDeps {
  /** How the files stand, without reading them; undefined where they must be read. */
  readonly glance: (lineage: Lineage) => FileStamps | undefined
  readonly read: (lineage: Lineage) => Promise<PairReading>
  readonly recall: (lineage: Lineage) => Promise<Receipt>
  readonly upload: (bundle: Bundle, lineage: Lineage) => Promise<Uploaded & { readonly attempts: number }>
  readonly record: (lineage: Lineage, amend: (receipt: Receipt) => Receipt) => Promise<void>
  readonly now: () => Date
  readonly random: () => number
}

export interface SyncOptions {
  readonly force: boolean
  readonly dryRun: boolean
  /** The host that receipts must come from to count. */
  readonly endpoint: string
  /** The last look of this pass: a leaf that still stands alone is believed. */
  readonly last: boolean
  /** Wait for the next attempt that a receipt names, as a daemon does. */
  readonly honourBackoff?: boolean
}

/** Looks at one lineage once. Never throws: what is not a Fault is a bug, reported as one. */
export async function syncCertificate(
  lineage: Lineage,
  effects: SyncDeps,
  wishes: SyncOptions,
): Promise<Outcome> {
  const started = effects.now().getTime()
  const seen: { bundle?: Identity } = {}
  const verdict = await checkAndUpload(lineage, effects, wishes, seen).catch(failed)
  return { ...verdict, ...seen, lineage: lineage.id, elapsedMs: effects.now().getTime() - started }
}

async function checkAndUpload(
  lineage: Lineage,
  effects: SyncDeps,
  wishes: SyncOptions,
  seen: { bundle?: Identity },
): Promise<Verdict> {
  // before the files: one recorded in between by another process would make these look older than they are
  const receipt = await effects.recall(lineage)
  const known = unchangedUpload(receipt, effects.glance(lineage), { ...wishes, now: effects.now() })
  if (known) {
    seen.bundle = uploadedIdentity(known)
    return { outcome: 'unchanged', because: 'unchanged', certificateId: known.certificateId }
  }
  const { files, settled, marks } = await effects.read(lineage)
  // loaded only here: reading certificates takes a large library, and most certificates have not changed
  const { parseBundle, identityOf } = await import('../certificate/bundle.ts')
  const bundle = parseBundle(files, effects.now())
  seen.bundle = identityOf(bundle)
  if (bundle.issuerMissing && !settled && !wishes.last) {
    throw new Fault(
      'CHAIN_INCOMPLETE',
      `${files.chain.path}: the issuer of ${bundle.names[0]} may still be written`,
    )
  }
  const settings = settingsDigest(bundle, lineage.upload)
  const decision = decide(bundle, receipt, { ...wishes, settings, now: effects.now() })
  if (decision.do === 'skip') {
    if (!wishes.dryRun) await updateStamps(lineage, bundle, { receipt, marks }, effects)
    return { outcome: 'unchanged', ...decision }
  }
  if (decision.do === 'refuse') return { outcome: 'refused', ...decision }
  if (decision.do === 'wait') return { outcome: 'waiting', until: decision.until }
  if (wishes.dryRun) return { outcome: 'planned', because: decision.because }

  const uploaded = await effects
    .upload(bundle, lineage)
    .catch(recordFailure(lineage, bundle, { settings, endpoint: wishes.endpoint }, effects))
  return recordUpload(
    lineage,
    bundle,
    uploaded,
    { because: decision.because, receipt, endpoint: wishes.endpoint, marks },
    effects,
  )
}

/** Found unchanged by reading it: the next look need not. Where that cannot be recorded, it reads once more. */
async function updateStamps(
  lineage: Lineage,
  bundle: Bundle,
  { receipt, marks }: Pick<Known, 'receipt' | 'marks'>,
  { record }: SyncDeps,
): Promise<void> {
  const known = receipt.uploaded
  if (
    !marks ||
    bundle.flaws.length ||
    (isEqual(known?.files, marks) && known?.changesAt === bundle.changesAt?.toISOString())
  )
    return
  await record(lineage, current => withMarks(current, bundle, marks)).catch(error => {
    if (!(error instanceof Fault)) throw error
  })
}

interface Known {
  readonly because: UploadReason
  readonly marks: FileStamps | undefined
  readonly receipt: Receipt
  readonly endpoint: string
}

async function recordUpload(
  lineage: Lineage,
  bundle: Bundle,
  uploaded: Uploaded & { readonly attempts: number },
  { because, receipt, endpoint, marks }: Known,
  { record, now }: SyncDeps,
): Promise<Verdict> {
  const upload = uploadOf(bundle, uploaded, endpoint, now(), marks)
  const amend = (current: Receipt) =>
    withUpload(current, upload, because === 'forced', receipt.uploaded ?? 'none')
  await record(lineage, amend).catch(error => {
    if (!(error instanceof Fault)) throw error
    // the ID is known to nobody else: it must not be lost with the receipt
    throw new Fault('UPLOAD_NOT_RECORDED', `uploaded as ${uploaded.certificateId}, but ${error.message}`, {
      cause: error,
    })
  })
  return {
    outcome: 'uploaded',
    because,
    ...uploaded,
    reused: uploaded.reused || receipt.uploaded?.certificateId === uploaded.certificateId,
    supersedes: replacedBy(receipt, upload)?.certificateId ?? null,
  }
}

/**
 * A certificate refused for what is in it is not sent again until it, or the way it is sent, changes. One that could not
 * be carried is tried again at a time that outlives this process: a crash loop does not hammer the service.
 */
const recordFailure =
  (
    lineage: Lineage,
    bundle: Bundle,
    way: Pick<Rejection, 'settings' | 'endpoint'>,
    { record, now, random: dice }: SyncDeps,
  ) =>
  async (error: unknown) => {
    if (!(error instanceof Fault)) throw error
    const about = { fingerprint: bundle.fingerprint, fault: error, now: now(), dice: dice() }
    if (error.code === 'API_REJECTED') {
      await record(lineage, receipt => withRejection(receipt, rejectionOf(bundle, way, error, about.now)))
    } else if (error.retry === 'backoff' && error.scope !== 'account' && error.code !== 'DEADLINE') {
      await record(lineage, receipt => ({ ...receipt, failing: recordRetry(receipt.failing, about) }))
    }
    throw error
  }

const failed = (error: unknown): Verdict => ({ outcome: 'failed', fault: asFault(error) })

const asFault = (error: unknown): Fault =>
  error instanceof Fault
    ? error
    : new Fault('INTERNAL_ERROR', `unexpected: ${withoutKeys(String(error))}`, { cause: error })
