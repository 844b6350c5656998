/** What happened to one lineage in one check, and to all lineages of a run. Pure. */
import type { Identity } from '../certificate/bundle.ts'
import { type Fault, faultJson, mostSevereExitCode } from '../errors.ts'
import { isUnderWay, type ReplacementResult, replacementJson } from '../receipts/replacement.ts'
import type { RefuseReason, UploadReason } from './decision.ts'

export type Verdict =
  | {
      readonly outcome: 'uploaded'
      readonly because: UploadReason
      readonly certificateId: string
      /** The service answered with an ID it already had. */
      readonly reused: boolean
      readonly requestId: string
      /** Attempts it took; 0 if another lineage of this run uploaded the same certificate. */
      readonly attempts: number
      readonly supersedes: string | null
    }
  | { readonly outcome: 'unchanged'; readonly because: 'unchanged'; readonly certificateId: string }
  | { readonly outcome: 'planned'; readonly because: UploadReason }
  /** Of a daemon only: the next attempt is not due yet. */
  | { readonly outcome: 'waiting'; readonly until: Date }
  | { readonly outcome: 'refused'; readonly because: RefuseReason; readonly fault: Fault }
  | { readonly outcome: 'failed'; readonly fault: Fault }

export type Outcome = Verdict & {
  readonly lineage: string
  /** Absent if the files are no valid pair. */
  readonly bundle?: Identity
  readonly elapsedMs: number
  /** Absent where older IDs are not to be replaced. */
  readonly replacement?: ReplacementResult
}

type Summary = Readonly<
  Record<'uploaded' | 'unchanged' | 'refused' | 'failed' | 'planned' | 'replaced' | 'replacing', number>
>

export function summaryOf(outcomes: readonly Outcome[]): Summary {
  const count = (kind: Outcome['outcome']) => outcomes.filter(({ outcome }) => outcome === kind).length
  return {
    uploaded: count('uploaded'),
    unchanged: count('unchanged'),
    refused: count('refused'),
    failed: count('failed'),
    planned: count('planned'),
    replaced: outcomes.filter(({ replacement }) => replacement?.isNew).length,
    replacing: outcomes.filter(({ replacement }) => replacement && isUnderWay(replacement)).length,
  }
}

/** Mid-change and expected to become valid by itself. Not a missing file that the operator named: its exit code is 66. */
export const isPending = (fault: Fault): boolean => fault.retry === 'recheck' && fault.exit === 75

export const exitOf = (outcomes: readonly Outcome[]): number =>
  mostSevereExitCode(
    outcomes.flatMap(outcome => [
      ...('fault' in outcome ? [outcome.fault.exit] : []),
      ...(outcome.replacement?.fault ? [outcome.replacement.fault.exit] : []),
    ]),
  )

/** One entry of `results`, member by member: what is not named here cannot get out. */
export function outcomeJson(outcome: Outcome) {
  const { bundle } = outcome
  return {
    lineage: outcome.lineage,
    outcome: outcome.outcome,
    ...('because' in outcome && { because: outcome.because }),
    ...('certificateId' in outcome && { certificateId: outcome.certificateId }),
    ...(outcome.outcome === 'uploaded' && { reused: outcome.reused, requestId: outcome.requestId }),
    ...(bundle && {
      fingerprint: bundle.fingerprint,
      leaf: bundle.leaf,
      names: bundle.names,
      notBefore: bundle.notBefore.toISOString(),
      notAfter: bundle.notAfter.toISOString(),
    }),
    ...(outcome.outcome === 'uploaded' && { attempts: outcome.attempts }),
    elapsedMs: outcome.elapsedMs,
    ...(outcome.outcome === 'uploaded' && { supersedes: outcome.supersedes }),
    ...('fault' in outcome && { fault: faultJson(outcome.fault) }),
    ...(outcome.replacement && { replacement: replacementJson(outcome.replacement) }),
  }
}

export const runJson = (outcomes: readonly Outcome[]) => ({
  results: outcomes.map(outcomeJson),
  summary: summaryOf(outcomes),
  exit: exitOf(outcomes),
})
