/** The first look at many lineages: of those that stand as they did when they were uploaded, nothing is read but the receipt. */
import { type Receipt, type Upload, uploadedIdentity } from '../receipts/receipt.ts'
import type { Lineage } from '../sources/lineage.ts'
import { unchangedUpload } from './decision.ts'
import type { Outcome } from './outcome.ts'
import type { SyncDeps, SyncOptions } from './syncCertificate.ts'

export interface FindUnchangedDeps extends Pick<SyncDeps, 'glance' | 'now'> {
  /** Does something at once with the receipts that can be had just so; the others are undefined. */
  readonly peek: <T>(work: (recall: (lineage: Lineage) => Receipt | undefined) => T) => T
}

/** The outcomes of those that are unchanged, by lineage; what becomes of the others is for `sync` to say. */
export function findUnchanged(
  lineages: readonly Lineage[],
  { peek, glance, now }: FindUnchangedDeps,
  wishes: Pick<SyncOptions, 'force' | 'endpoint'>,
): Map<string, Outcome> {
  const outcomes = new Map<string, Outcome>()
  peek(recall => {
    for (const lineage of lineages) {
      const begun = now()
      const receipt = recall(lineage)
      const known = receipt && unchangedUpload(receipt, glance(lineage), { ...wishes, now: begun })
      if (known) outcomes.set(lineage.id, unchanged(lineage, known, now().getTime() - begun.getTime()))
    }
  })
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
