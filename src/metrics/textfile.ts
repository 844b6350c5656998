/** The metrics of a command that ends: they go on from the textfile of the run before, and are written over it. */
import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { readTextFile } from '../files/readFile.ts'
import type { Logger } from '../log/logger.ts'
import type { ProcessContext } from '../processContext.ts'
import { isPending, type Outcome } from '../upload/outcome.ts'
import { VERSION } from '../version.ts'
import type { Metrics } from './registry.ts'

/** node_exporter runs as another user; nothing in the file is secret. */
const MODE = 0o644

/** Thirty thousand lineages; in bytes. */
const LARGEST = 16 << 20

/** The text that the run before left; empty where there is none to read. */
export const readTextfile = (path: string): Promise<string> =>
  readTextFile(path, { most: LARGEST }).then(
    ({ text }) => text,
    () => '',
  )

export async function writeTextfile(path: string, text: string): Promise<void> {
  // in the same folder, or the rename would not be one step; not *.prom, or node_exporter would collect it half-written
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await writeReadable(temporary, text)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function writeReadable(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', MODE)
  try {
    await file.chmod(MODE) // a umask of 077 is usual where private keys are handled
    await file.writeFile(text)
  } finally {
    await file.close()
  }
}

interface TextfileMetrics {
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
  const { createMetrics } = await import('./registry.ts')

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
