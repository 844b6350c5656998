/** The metrics of a command that ends: they go on from the textfile of the run before, and are written over it. */
import { resolve } from 'node:path'
import { isPending, type Outcome } from '../core/outcome.ts'
import type { Log } from '../edge/log.ts'
import type { Metrics } from '../edge/metrics.ts'
import { VERSION } from '../version.ts'
import type { World } from '../world.ts'

export interface Meter {
  readonly metrics: Metrics
  /** Counts what is pending, and forgets every lineage but these: for a command that has looked at all of them. */
  readonly sawAll: (outcomes: readonly Outcome[]) => void
  /** A file that cannot be written is warned of and changes nothing else: the certificates are where they should be. */
  readonly write: (log: Log) => Promise<void>
}

/** Undefined where nobody asked for one; the library is loaded only then. */
export async function openMeter({ cwd, now }: World, named: string | undefined): Promise<Meter | undefined> {
  if (named === undefined) return undefined
  const { openMetrics } = await import('../edge/metrics.ts')
  const { readTextfile, writeTextfile } = await import('../edge/textfile.ts')
  const file = resolve(cwd, named)
  const metrics = openMetrics({
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
