/** A pass over many lineages: each is looked at, and those caught mid-change are looked at again. */
import { Fault } from '../errors.ts'
import { type Receipt, type Upload, uploadedIdentity } from '../receipts/receipt.ts'
import type { Lineage } from '../sources/lineage.ts'
import { settingsDigest } from '../tencent/uploadRequest.ts'
import { RUN_RECHECK_DELAYS_MS } from '../util/schedule.ts'
import { unchangedUpload } from './decision.ts'
import type { Outcome } from './outcome.ts'
import { type SyncDeps, type SyncOptions, syncCertificate } from './syncCertificate.ts'

export interface SyncAllDeps extends SyncDeps {
  /** The receipts of these lineages, by one query; none of those that have none. */
  readonly recallAll: (lineages: readonly Lineage[]) => Promise<ReadonlyMap<string, Receipt>>
  /** Proves that receipts can be written: an ID that cannot be recorded should not be fetched. @throws Fault STATE_DIR_UNUSABLE. */
  readonly prepare: () => Promise<void>
  /** Told of every outcome once, as it happens. */
  readonly report: (outcome: Outcome) => void
  /** Lets no more uploads out: those that wait for their turn fail with this fault. */
  readonly abort: (fault: Fault) => void
  /** Resolves after so many milliseconds, or at once when the pass has run out of time. */
  readonly sleep: (ms: number) => Promise<void>
}

/** Lineages under way at once: more than requests ever are, so that reading never holds up sending. */
const WIDTH = 256

/**
 * One pass over these lineages. One that fails never stops the others; the outcomes come in the lineages' order.
 * @throws Fault STATE_DIR_UNUSABLE where something has changed, and nothing could be recorded.
 */
export async function syncAll(
  lineages: readonly Lineage[],
  effects: SyncAllDeps,
  wishes: Omit<SyncOptions, 'last'>,
): Promise<readonly Outcome[]> {
  const outcomes = findUnchanged(lineages, await effects.recallAll(lineages), effects, wishes)
  for (const outcome of outcomes.values()) effects.report(outcome)
  let waiting = lineages.filter(({ id }) => !outcomes.has(id))
  if (waiting.length && !wishes.dryRun) await effects.prepare()
  const begun = new Map<string, number>()
  const alone = new Set<string>()
  const shared = dedupeUploads(abortOnReceiptError(effects))
  for (const [round, pause] of [...RUN_RECHECK_DELAYS_MS, undefined].entries()) {
    const last = pause === undefined
    await each(waiting, async lineage => {
      if (!begun.has(lineage.id)) begun.set(lineage.id, effects.now().getTime())
      // a leaf that stands alone for the first time at the last look may be a chain that is just being written
      const outcome = await syncCertificate(lineage, shared, {
        ...wishes,
        last: last && alone.has(lineage.id),
      })
      if (isAwaited(outcome)) alone.add(lineage.id)
      else alone.delete(lineage.id)
      if (isMidChange(outcome) && !last) return
      const whole = { ...outcome, elapsedMs: effects.now().getTime() - (begun.get(lineage.id) ?? 0) }
      outcomes.set(lineage.id, whole)
      effects.report(whole)
    })
    waiting = lineages.filter(({ id }) => !outcomes.has(id))
    if (!waiting.length || last) break
    await effects.sleep(RUN_RECHECK_DELAYS_MS[round] ?? 0)
  }
  return lineages.flatMap(({ id }) => outcomes.get(id) ?? [])
}

/** Those whose files stand as they did when they were uploaded: nothing is read but the receipt. */
export function findUnchanged(
  lineages: readonly Lineage[],
  receipts: ReadonlyMap<string, Receipt>,
  { glance, now }: Pick<SyncDeps, 'glance' | 'now'>,
  wishes: Pick<SyncOptions, 'force' | 'endpoint'>,
): Map<string, Outcome> {
  const outcomes = new Map<string, Outcome>()
  for (const lineage of lineages) {
    const receipt = receipts.get(lineage.id)
    const begun = now()
    const known = receipt && unchangedUpload(receipt, glance(lineage), { ...wishes, now: begun })
    if (known) outcomes.set(lineage.id, unchanged(lineage, known, now().getTime() - begun.getTime()))
  }
  return outcomes
}

const unchanged = ({ id }: Lineage, upload: Upload, elapsedMs: number): Outcome => ({
  outcome: 'unchanged',
  because: 'unchanged',
  certificateId: upload.certificateId,
  bundle: uploadedIdentity(upload),
  lineage: id,
  elapsedMs,
})

const isMidChange = (outcome: Outcome) => outcome.outcome === 'failed' && outcome.fault.retry === 'recheck'

const isAwaited = (outcome: Outcome) =>
  outcome.outcome === 'failed' && outcome.fault.code === 'CHAIN_INCOMPLETE'

/**
 * Two paths to the same certificate cost one upload: within a pass the second shares the first one's answer. Not where
 * their settings differ: a certificate refused for one's settings is not refused for the other's.
 */
function dedupeUploads(effects: SyncDeps): SyncDeps {
  const under = new Map<string, ReturnType<SyncDeps['upload']>>()
  return {
    ...effects,
    upload: (bundle, lineage) => {
      const key = `${bundle.fingerprint} ${settingsDigest(bundle, lineage.upload)}`
      const earlier = under.get(key)
      if (earlier) return earlier.then(uploaded => ({ ...uploaded, reused: true, attempts: 0 }))
      const upload = effects.upload(bundle, lineage)
      under.set(key, upload)
      return upload
    },
  }
}

/** Once a receipt could not be written, nothing more is sent: an ID that cannot be recorded should not be fetched. */
const abortOnReceiptError = (effects: SyncAllDeps): SyncAllDeps => ({
  ...effects,
  record: (lineage, amend) =>
    effects.record(lineage, amend).catch(error => {
      if (error instanceof Fault && error.code === 'STATE_DIR_UNUSABLE') effects.abort(error)
      throw error
    }),
})

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(WIDTH, items.length) }, worker))
}
