/** The metrics of a command that ends: they go on from the textfile of the run before, and are written over it. */

import { resolve } from 'node:path'
import { isPending, type Outcome } from '../core/outcome.ts'
import type { Logger } from '../edge/log.ts'
import type { Metrics } from '../edge/metrics.ts'
import { readTextfile, writeTextfile } from '../edge/textfile.ts'
import { VERSION } from '../version.ts'
import type { ProcessContext } from '../world.ts'

export interface TextfileMetrics {
  readonly metrics: Metrics
  /** Counts what is pending, and forgets every lineage but these: for a command that has looked at all of them. */
  readonly sawAll: (outcomes: readonly Outcome[]) => void
  /** A file that cannot be written is warned of and changes nothing else: the certificates are where they should be. */
  readonly write: (log: Logger) => Promise<void>
}

/** Undefined where nobody asked for one; the library is loaded only then. */
export async function openTextfileMetrics(
  { cwd, now }: ProcessContext,
  named: string | undefined,
): Promise<TextfileMetrics | undefined> {
  if (named === undefined) return undefined
  const { createMetrics } = await import('../edge/metrics.ts')

  const file = resolve(cwd, named)
  const metrics = createMetrics({
    version: VERSION,
    now: () => new Date(now()),
    before: await readTextfile(file),
  })
  return {
    metrics,
    sawAll: outcomes => {
      metrics.pending(
        outcomes.filter(outcome => outcome.outcome === 'failed' && isPending(outcome.fault)).length,
      )
      metrics.keep(new Set(outcomes.map(({ lineage }) => lineage)))
    },
    write: async log => {
      await writeTextfile(file, await metrics.text()).catch((error: NodeJS.ErrnoException) => {
        log.warn(
          { event: 'metrics', file, advice: 'Check the directory and its permissions.' },
          `the metrics could not be written to ${file} (${error.code ?? error.name})`,
        )
      })
    },
  }
}
