/** The replacements of one run: of every lineage that is uploaded and has `replace` on. */
import type { Lineage } from '../sources/lineage.ts'
import type { Outcome } from '../upload/outcome.ts'
import type { Replacer } from './replacer.ts'

interface RunOptions {
  readonly dryRun: boolean
  readonly isHurried: boolean
}

/** The outcomes, each with what became of its replacement. `replacer` is opened only where there is something to replace. */
export async function replaceAll(
  lineages: readonly Lineage[],
  outcomes: readonly Outcome[],
  replacer: () => Promise<Replacer>,
  options: RunOptions,
): Promise<readonly Outcome[]> {
  const byId = new Map(outcomes.map(outcome => [outcome.lineage, outcome]))
  const ready = lineages.filter(({ id, deploy }) => deploy.replace && isReady(byId.get(id), options.dryRun))
  if (!ready.length) return outcomes
  const { examine, replace } = await replacer()
  const { due, others } = options.dryRun
    ? { due: ready, others: new Map() }
    : await examine(ready, { force: false })
  const results = new Map(others)
  await Promise.all(
    due.map(async lineage => {
      results.set(lineage.id, await replace(lineage, { ...options, force: false }))
    }),
  )
  return outcomes.map(outcome => {
    const replacement = results.get(outcome.lineage)
    return replacement ? { ...outcome, replacement } : outcome
  })
}

const isReady = (outcome: Outcome | undefined, dryRun: boolean) =>
  outcome?.outcome === 'uploaded' ||
  outcome?.outcome === 'unchanged' ||
  (dryRun && outcome?.outcome === 'planned')
