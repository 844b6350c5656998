/** The replacements of one run: of every lineage that is uploaded and has `replace` on. */
import type { LogEntry } from '../log/logger.ts'
import { countsOf, type Replacement, type ReplacementResult } from '../receipts/replacement.ts'
import type { Lineage } from '../sources/lineage.ts'
import type { Outcome } from '../upload/outcome.ts'
import type { Replacer } from './replacer.ts'
import { plannedEntries } from './report.ts'

interface RunOptions {
  readonly dryRun: boolean
  readonly isHurried: boolean
  /** With `dryRun`, what would be done. */
  readonly say?: (entry: LogEntry) => void
  /** How far those under way are, in a few words; empty when none is. */
  readonly onProgress?: (text: string) => void
}

/** The outcomes, each with what became of its replacement. `replacer` is opened only where there is something to replace. */
export async function replaceAll(
  lineages: readonly Lineage[],
  outcomes: readonly Outcome[],
  replacer: () => Promise<Replacer>,
  options: RunOptions,
): Promise<readonly Outcome[]> {
  const wanted = lineages.filter(({ deploy }) => deploy.replace)
  if (!wanted.length) return outcomes
  const byId = new Map(outcomes.map(outcome => [outcome.lineage, outcome]))
  const ready = wanted.filter(({ id }) => isReady(byId.get(id), options.dryRun))
  if (!ready.length) return outcomes
  const { dryRun, isHurried, say = () => {}, onProgress = () => {} } = options
  const { examine, replace } = await replacer()
  const { due, others } = dryRun
    ? { due: ready, others: new Map<string, ReplacementResult>() }
    : await examine(ready, { force: false })
  const results = new Map(others)
  const tell = (id: string, replacement: Replacement) =>
    onProgress(due.length === 1 ? stepText(id, replacement) : countText(results, others.size, due.length))
  await Promise.all(
    due.map(async lineage => {
      const { id } = lineage
      const onChange = (replacement: Replacement) => tell(id, replacement)
      const result = await replace(lineage, { dryRun, isHurried, force: false, onChange })
      results.set(id, result)
      if (dryRun) for (const entry of plannedEntries(id, result)) say(entry)
    }),
  ).finally(() => onProgress(''))
  return outcomes.map(outcome => {
    const replacement = results.get(outcome.lineage)
    return replacement ? { ...outcome, replacement } : outcome
  })
}

const isReady = (outcome: Outcome | undefined, dryRun: boolean) =>
  outcome?.outcome === 'uploaded' ||
  outcome?.outcome === 'unchanged' ||
  (dryRun && outcome?.outcome === 'planned')

const STEPS: Partial<Readonly<Record<Replacement['state'], string>>> = {
  surveying: 'searching for what uses the older certificate',
  asked: 'the service has been asked to replace it',
  running: 'the service has begun to replace it',
  foreign: 'waiting for another job of the account',
  replaced: 'in place; asking its addresses',
}

/** What is waited for, in a few words; empty where nothing is. */
export function stepText(id: string, replacement: Replacement): string {
  const step = STEPS[replacement.state]
  if (!step) return ''
  const { done, total } = countsOf(replacement)
  return `${id}: ${replacement.state === 'running' && total > 0 ? `replacing ${done}/${total}` : step}`
}

function countText(results: ReadonlyMap<string, ReplacementResult>, before: number, due: number): string {
  const failed = [...results.values()].slice(before).filter(({ fault }) => fault).length
  return `${results.size - before}/${due}  replacing  not finished ${failed}`
}
