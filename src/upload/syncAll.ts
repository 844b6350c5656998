/** One run over many lineages: each is checked, and those whose files are mid-change are checked again. */
import { Fault } from '../errors.ts'
import { type Standing, type Upload, uploadedIdentity } from '../receipts/receipt.ts'
import type { FileStamps } from '../sources/fileStamp.ts'
import type { Lineage } from '../sources/lineage.ts'
import { settingsDigest } from '../tencent/uploadRequest.ts'
import { RUN_RECHECK_DELAYS_MS } from '../util/schedule.ts'
import { isUnchanged } from './decision.ts'
import type { Outcome } from './outcome.ts'
import { type SyncDeps, type SyncOptions, syncCertificate } from './syncCertificate.ts'

export interface SyncAllDeps extends SyncDeps {
  /** By one query: the uploads of these lineages, or no more of each than shows that it is unchanged. */
  readonly recallAll: (lineages: readonly Lineage[]) => Promise<ReadonlyMap<string, Standing | Upload>>
  /** Shows that receipts can be written, before anything is uploaded. @throws Fault STATE_DIR_UNUSABLE. */
  readonly prepare: () => Promise<void>
  /** Gets every outcome once, as it happens. */
  readonly report: (outcome: Outcome) => void
  /** Starts no more uploads: those that wait for their turn fail with this fault. */
  readonly abort: (fault: Fault) => void
  /** Resolves after so many milliseconds, or at once when the run has no time left. */
  readonly sleep: (ms: number) => Promise<void>
}

/** Lineages under way at once: more than requests ever are, so that reading never delays sending. */
const CONCURRENCY = 256

/**
 * A lineage that fails never stops the others; the outcomes have the order of the lineages. `stamps` are those that were taken
 * when the lineages were listed.
 * @throws Fault STATE_DIR_UNUSABLE if something has changed and could not be recorded.
 */
export async function syncAll(
  lineages: readonly Lineage[],
  deps: SyncAllDeps,
  options: Omit<SyncOptions, 'last'>,
  stamps: ReadonlyMap<Lineage, FileStamps> = new Map(),
): Promise<readonly Outcome[]> {
  const stampsOf = (lineage: Lineage) => stamps.get(lineage) ?? deps.stamps(lineage)
  const outcomes = findUnchanged(lineages, await deps.recallAll(lineages), stampsOf, deps.now(), options)
  for (const outcome of outcomes.values()) deps.report(outcome)
  let waiting = lineages.filter(({ id }) => !outcomes.has(id))
  if (waiting.length && !options.dryRun) await deps.prepare()
  const started = new Map<string, number>()
  const alone = new Set<string>()
  const shared = dedupeUploads(abortOnReceiptError(deps))
  for (const [round, pause] of [...RUN_RECHECK_DELAYS_MS, undefined].entries()) {
    const last = pause === undefined
    await each(waiting, async lineage => {
      if (!started.has(lineage.id)) started.set(lineage.id, deps.now().getTime())
      // a leaf that is alone for the first time at the last check may be a chain that is being written
      const outcome = await syncCertificate(lineage, shared, {
        ...options,
        last: last && alone.has(lineage.id),
      })
      if (isLeafAlone(outcome)) alone.add(lineage.id)
      else alone.delete(lineage.id)
      if (isMidChange(outcome) && !last) return
      const elapsedMs = deps.now().getTime() - (started.get(lineage.id) ?? 0)
      outcomes.set(lineage.id, { ...outcome, elapsedMs })
      deps.report({ ...outcome, elapsedMs })
    })
    waiting = lineages.filter(({ id }) => !outcomes.has(id))
    if (!waiting.length || last) break
    await deps.sleep(RUN_RECHECK_DELAYS_MS[round] ?? 0)
  }
  return lineages.flatMap(({ id }) => outcomes.get(id) ?? [])
}

/** The lineages whose files have the stamps of the last upload: they are not read, and ten thousand wait for nothing. */
function findUnchanged(
  lineages: readonly Lineage[],
  uploads: ReadonlyMap<string, Standing | Upload>,
  stampsOf: SyncDeps['stamps'],
  now: Date,
  { force, endpoint }: Pick<SyncOptions, 'force' | 'endpoint'>,
): Map<string, Outcome> {
  const outcomes = new Map<string, Outcome>()
  const context = { force, endpoint, now: now.toISOString() }
  for (const lineage of lineages) {
    const known = uploads.get(lineage.id)
    if (!known || !isUnchanged(known, stampsOf(lineage), context)) continue
    outcomes.set(lineage.id, {
      outcome: 'unchanged',
      because: 'unchanged',
      certificateId: known.certificateId,
      lineage: lineage.id,
      ...('leaf' in known && { bundle: uploadedIdentity(known) }),
      elapsedMs: 0,
    })
  }
  return outcomes
}

const isMidChange = (outcome: Outcome) => outcome.outcome === 'failed' && outcome.fault.retry === 'recheck'

const isLeafAlone = (outcome: Outcome) =>
  outcome.outcome === 'failed' && outcome.fault.code === 'CHAIN_INCOMPLETE'

/** Two lineages with the same certificate and the same settings share one upload. */
function dedupeUploads(deps: SyncDeps): SyncDeps {
  const uploads = new Map<string, ReturnType<SyncDeps['upload']>>()
  return {
    ...deps,
    upload: (bundle, lineage) => {
      const key = `${bundle.fingerprint} ${settingsDigest(bundle, lineage.upload)}`
      const earlier = uploads.get(key)
      if (earlier) return earlier.then(uploaded => ({ ...uploaded, reused: true, attempts: 0 }))
      const upload = deps.upload(bundle, lineage)
      uploads.set(key, upload)
      return upload
    },
  }
}

/** Once a receipt could not be written nothing more is uploaded, because its ID could not be recorded either. */
const abortOnReceiptError = (deps: SyncAllDeps): SyncAllDeps => ({
  ...deps,
  record: (lineage, amend) =>
    deps.record(lineage, amend).catch(error => {
      if (error instanceof Fault && error.code === 'STATE_DIR_UNUSABLE') deps.abort(error)
      throw error
    }),
})

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, worker))
}
