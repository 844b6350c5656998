/** The metrics of a command that ends, as a file for node_exporter. */
import { resolve } from 'node:path'
import { replaceFileAtomic } from '../files/atomicWrite.ts'
import type { Logger } from '../log/logger.ts'
import type { ProcessContext } from '../processContext.ts'
import type { Receipt } from '../receipts/receipt.ts'
import type { ReceiptStore } from '../receipts/store.ts'
import type { Lineage } from '../sources/lineage.ts'
import { isPending, type Outcome } from '../upload/outcome.ts'
import { VERSION } from '../version.ts'
import type { Metrics } from './registry.ts'

/** node_exporter runs as another user; nothing in the file is secret. */
const MODE = 0o644

interface TextfileMetrics {
  readonly metrics: Metrics
  /** Writes the file. A failure is a warning: the certificates are where they should be. */
  readonly write: (log: Logger, receipts: ReceiptStore, run: Run) => Promise<void>
}

interface Run {
  readonly outcomes: readonly Outcome[]
  /** Every lineage on disk: those that this run did not check are described by their receipts. */
  readonly lineages: readonly Lineage[]
}

/** Undefined without `--metrics-file`; the library is loaded only with it. */
export async function openTextfileMetrics(
  { cwd, now }: ProcessContext,
  path: string | undefined,
): Promise<TextfileMetrics | undefined> {
  if (path === undefined) return undefined
  const { createMetrics } = await import('./registry.ts')
  const file = resolve(cwd, path)
  const metrics = createMetrics({ version: VERSION, now: () => new Date(now()), isDaemon: false })
  return {
    metrics,
    write: async (log, receipts, { outcomes, lineages }) => {
      const unchecked = new Map(lineages.map(one => [one.id, one]))
      for (const { lineage } of outcomes) unchecked.delete(lineage)
      if (unchecked.size)
        for (const receipt of await receipts.all().catch(() => []))
          showReceipt(metrics, receipt, unchecked.get(receipt.lineage))
      metrics.pending(outcomes.filter(one => one.outcome === 'failed' && isPending(one.fault)).length)
      await replaceFileAtomic(file, await metrics.text(), MODE).catch((error: NodeJS.ErrnoException) => {
        log.warn(
          { event: 'metrics', file, advice: 'Check the directory and its permissions.' },
          `the metrics could not be written to ${file} (${error.code ?? error.name})`,
        )
      })
    },
  }
}

/** What is known of a lineage on disk. */
export function showReceipt(metrics: Metrics, receipt: Receipt, lineage: Lineage | undefined): void {
  if (!lineage) return
  metrics.recalled(receipt)
  metrics.replacement(lineage.id, lineage.deploy.replace ? receipt : undefined)
}
