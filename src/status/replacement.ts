/** How far a lineage's older IDs are replaced, and where they were bound: for `status`. Pure. */
import { type DeploySettings, deploySettings } from '../config/deploy.ts'
import { chainOf } from '../deploy/chain.ts'
import { currentReplacement, faultOf } from '../deploy/state.ts'
import { FAULTS } from '../errors.ts'
import type { Receipt } from '../receipts/receipt.ts'
import { type BoundResource, type Replacement, replacementJson } from '../receipts/replacement.ts'

/** Undefined where nothing is to be replaced and nothing was. `deploy` is undefined for a lineage that is not on disk. */
export function replacementStatus(
  receipt: Receipt | undefined,
  deploy: DeploySettings | undefined,
  endpoint: string,
  now: Date,
) {
  const settings = deploy ?? deploySettings({})
  const chain = receipt && chainOf(receipt, settings, endpoint)
  if (!receipt || !chain) return undefined
  const isCurrent = receipt.replacement?.to === chain.current.certificateId
  const isDue = settings.replace && chain.older.length > 0
  if (!isCurrent && !isDue) return undefined
  const replacement = currentReplacement(receipt, chain, now)
  const fault = isCurrent ? faultOf(replacement) : undefined
  const jobs = replacement.jobs.filter(({ from, to }) => to === replacement.to || from === replacement.to)
  return {
    ...replacementJson({ replacement, from: chain.older, ...(fault && { fault }) }),
    to: replacement.to,
    /** When this state began; null where it has not begun. */
    since: isCurrent ? replacement.since : null,
    replacedAt: replacement.replacedAt ?? null,
    reason: replacement.reason ?? null,
    advice: replacement.reason === undefined ? null : (replacement.advice ?? fault?.advice ?? null),
    nextCheckAt: replacement.nextCheckAt ?? null,
    bound: replacement.resources.map(one => ({ ...one, certificateId: idOn(one, replacement) })),
    jobs,
    handshakes: replacement.handshakes,
  }
}

export type ReplacementStatus = NonNullable<ReturnType<typeof replacementStatus>>

/** The ID that a resource uses, as the newest job that concerns it tells. Of a job under way that is not known: the older one. */
function idOn(resource: BoundResource, { to, jobs, replacedAt }: Replacement): string {
  const last = jobs.find(job => job.from === to || (job.to === to && job.from === resource.certificateId))
  const failed = last?.failures.some(
    one =>
      one.type === resource.type &&
      (one.instance === resource.instance || one.domains.some(name => resource.domains.includes(name))),
  )
  const isDone =
    last?.endedAt !== undefined && last.done + last.failures.length >= last.total && last.done > 0
  if (last?.from === to) return isDone && !failed ? last.to : to
  if (replacedAt !== undefined) return to
  return isDone && !failed ? to : resource.certificateId
}

/** In one or two words, as a cell of a table. */
export function replacementWord({ state, resources, since, fault }: ReplacementStatus): string {
  const { total, done } = resources
  const counted = (word: string) => (total > 0 ? `${word} ${done}/${total}` : word)
  switch (state) {
    case 'verified':
      return 'ok'
    case 'nothing-bound':
      return 'not bound'
    case 'partly':
      return counted('partly')
    case 'foreign':
      return 'waiting'
    case 'surveying':
    case 'asked':
    case 'running':
      if (since === null) return 'due'
      return fault && FAULTS[fault.code].exit !== 75 ? 'failed' : counted('replacing')
    default:
      return state
  }
}
