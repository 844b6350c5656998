/** One check of one lineage: stamp → read → parse → decide → upload → record. Every effect comes in as a plain function. */
import type { Bundle, Files, Identity } from '../certificate/bundle.ts'
import { Fault } from '../errors.ts'
import {
  type Receipt,
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
import { decide, isUnchanged, type UploadReason } from './decision.ts'
import type { Outcome, Verdict } from './outcome.ts'

/** Chain and key as they are now. */
interface PairReading {
  readonly files: Files
  /** They were not written within the last few seconds. */
  readonly settled: boolean
  /** Absent where a later write might not show in them. */
  readonly marks: FileStamps | undefined
}

export interface SyncDeps {
  /** The stamps of the files, without reading them; undefined where they must be read. */
  readonly stamps: (lineage: Lineage) => FileStamps | undefined
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
  /** The last check of this run: a leaf that is still alone is uploaded. */
  readonly last: boolean
  /** Wait for the next attempt that a receipt names, as a daemon does. */
  readonly honourBackoff?: boolean
}

/** Checks one lineage once, and uploads it if needed. Never throws: an error that is no Fault is a bug, reported as one. */
export async function syncCertificate(
  lineage: Lineage,
  deps: SyncDeps,
  options: SyncOptions,
): Promise<Outcome> {
  const started = deps.now().getTime()
  const found: { bundle?: Identity } = {}
  const verdict = await checkAndUpload(lineage, deps, options, found).catch(
    (error): Verdict => ({ outcome: 'failed', fault: asFault(error) }),
  )
  return { ...verdict, ...found, lineage: lineage.id, elapsedMs: deps.now().getTime() - started }
}

/** Sets `found.bundle` as soon as it is known, for a failure after that. */
async function checkAndUpload(
  lineage: Lineage,
  deps: SyncDeps,
  options: SyncOptions,
  found: { bundle?: Identity },
): Promise<Verdict> {
  // before the files: a receipt that another process records in between would make these look older than they are
  const receipt = await deps.recall(lineage)
  const { uploaded: known } = receipt
  if (isUnchanged(known, deps.stamps(lineage), { ...options, now: deps.now().toISOString() })) {
    found.bundle = uploadedIdentity(known)
    return { outcome: 'unchanged', because: 'unchanged', certificateId: known.certificateId }
  }
  const { files, settled, marks } = await deps.read(lineage)
  // loaded only here: reading certificates takes a large library, and most certificates have not changed
  const { parseBundle, identityOf } = await import('../certificate/bundle.ts')
  const bundle = parseBundle(files, deps.now())
  found.bundle = identityOf(bundle)
  if (bundle.issuerMissing && !settled && !options.last) {
    throw new Fault(
      'CHAIN_INCOMPLETE',
      `${files.chain.path}: the issuer of ${bundle.names[0]} may still be written`,
    )
  }
  const check: Check = { lineage, bundle, receipt, marks, endpoint: options.endpoint }
  const settings = settingsDigest(bundle, lineage.upload)
  const decision = decide(bundle, receipt, { ...options, settings, now: deps.now() })
  switch (decision.do) {
    case 'skip':
      if (!options.dryRun) await recordStamps(check, deps)
      return { outcome: 'unchanged', ...decision }
    case 'refuse':
      return { outcome: 'refused', ...decision }
    case 'wait':
      return { outcome: 'waiting', until: decision.until }
    case 'upload': {
      const { because } = decision
      if (options.dryRun) return { outcome: 'planned', because }
      const uploaded = await deps.upload(bundle, lineage).catch(async error => {
        if (error instanceof Fault) await recordFailure(check, error, settings, deps)
        throw error
      })
      return recordUpload(check, uploaded, because, deps)
    }
  }
}

interface Check {
  readonly lineage: Lineage
  readonly bundle: Bundle
  readonly receipt: Receipt
  readonly marks: FileStamps | undefined
  readonly endpoint: string
}

/** The next check of files that were read and are unchanged need not read them. If that cannot be recorded, it does. */
async function recordStamps({ lineage, bundle, receipt, marks }: Check, { record }: SyncDeps): Promise<void> {
  const known = receipt.uploaded
  const isKnown = isEqual(known?.files, marks) && known?.changesAt === bundle.changesAt?.toISOString()
  if (!marks || bundle.flaws.length || isKnown) return
  await record(lineage, current => withMarks(current, bundle, marks)).catch(error => {
    if (!(error instanceof Fault)) throw error
  })
}

async function recordUpload(
  { lineage, bundle, receipt, marks, endpoint }: Check,
  uploaded: Uploaded & { readonly attempts: number },
  because: UploadReason,
  { record, now }: SyncDeps,
): Promise<Verdict> {
  const upload = uploadOf(bundle, uploaded, endpoint, now(), marks)
  const amend = (current: Receipt) =>
    withUpload(current, upload, because === 'forced', receipt.uploaded ?? 'none')
  await record(lineage, amend).catch(cause => {
    if (!(cause instanceof Fault)) throw cause
    // the ID must not be lost with the receipt
    throw new Fault('UPLOAD_NOT_RECORDED', `uploaded as ${uploaded.certificateId}, but ${cause.message}`, {
      cause,
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
 * A certificate that the service rejected is not sent again until it, or its settings, change. After any other failure the
 * time of the next attempt outlives this process: a crash loop does not flood the service.
 */
async function recordFailure(
  { lineage, bundle, endpoint }: Check,
  fault: Fault,
  settings: string,
  { record, now, random }: SyncDeps,
): Promise<void> {
  const at = now()
  if (fault.code === 'API_REJECTED') {
    const rejection = rejectionOf(bundle, { settings, endpoint }, fault, at)
    await record(lineage, receipt => withRejection(receipt, rejection))
  } else if (fault.retry === 'backoff' && fault.scope !== 'account' && fault.code !== 'DEADLINE') {
    const failure = { fingerprint: bundle.fingerprint, fault, now: at, dice: random() }
    await record(lineage, receipt => ({ ...receipt, failing: recordRetry(receipt.failing, failure) }))
  }
}

const asFault = (error: unknown): Fault =>
  error instanceof Fault
    ? error
    : new Fault('INTERNAL_ERROR', `unexpected: ${withoutKeys(String(error))}`, { cause: error })
