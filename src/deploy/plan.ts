/** What replacing would do, found out without changing anything: for --dry-run. */
import { isReplaced } from '../config/deploy.ts'
import { Fault } from '../errors.ts'
import { type BoundResource, enter, type ReplacementResult } from '../receipts/replacement.ts'
import type { Lineage } from '../sources/lineage.ts'
import { chainOf } from './chain.ts'
import { obstacleTo } from './gates.ts'
import type { ReplaceDeps } from './replaceCertificate.ts'
import { currentReplacement, faultOf, resourceOf } from './state.ts'

/** Never throws a Fault. A certificate on disk that is not uploaded yet would replace the current one too. */
export async function planReplacement(
  lineage: Lineage,
  deps: Pick<ReplaceDeps, 'recall' | 'readBundle' | 'survey' | 'roots' | 'now'>,
  { endpoint, force }: { readonly endpoint: string; readonly force: boolean },
): Promise<ReplacementResult> {
  const { deploy } = lineage
  const receipt = await deps.recall(lineage)
  const chain = chainOf(receipt, deploy, endpoint, true)
  if (!chain || lineage.upload.type === 'CA') return { replacement: undefined, from: [] }
  const replacement = currentReplacement(receipt, chain, deps.now())
  try {
    const bundle = await deps.readBundle(lineage)
    const isUploaded = bundle.fingerprint === chain.current.fingerprint
    const from = isUploaded ? chain.older : [chain.current.certificateId, ...chain.older]
    if (!from.length) return { replacement: undefined, from }
    const surveys = await deps.survey(from, { isCached: true, detail: 'all' })
    const incomplete = [...surveys.values()].flatMap(({ isComplete, problems }) =>
      isComplete ? [] : problems,
    )
    const planned: readonly BoundResource[] = from
      .flatMap(id => surveys.get(id)?.resources ?? [])
      .filter(({ type }) => isReplaced(deploy, type))
      .map(resourceOf)
    const result = { replacement, from, planned }
    if (incomplete.length && !planned.length) {
      const fault = new Fault(
        'REPLACEMENT_RUNNING',
        `the service's search is not complete: ${incomplete.join('; ')}`,
      )
      return { ...result, fault }
    }
    const ends = isUploaded ? chain.notAfter : new Date(chain.current.notAfter)
    const { allowUncovered, allowUntrusted } = deploy
    const obstacle = planned.length
      ? obstacleTo({
          ...{ bundle, replacedNotAfter: ends, resources: planned, roots: deps.roots(), now: deps.now() },
          ...{ allowUncovered, allowUntrusted, force },
        })
      : undefined
    if (!obstacle) return result
    const { state, ...why } = obstacle
    const held = enter(replacement, state, deps.now(), { ...why, nextCheckAt: deps.now().toISOString() })
    const fault = faultOf(held)
    return { ...result, replacement: held, ...(fault && { fault }) }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { replacement, from: chain.older, fault: error }
  }
}
