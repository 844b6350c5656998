/** What a receipt tells of a lineage's replacement, as values of metrics. Pure. */
import type { Receipt } from '../receipts/receipt.ts'
import type { ReplacementState } from '../receipts/replacement.ts'

interface ReplacementValues {
  readonly state: ReplacementState
  /** How long the last one took, where it is over. */
  readonly seconds: number | undefined
  readonly oldIdsBound: number
}

export function replacementValues({ uploaded, superseded, replacement }: Receipt): ReplacementValues {
  const bound = superseded.filter(one => one.bound === 'yes' && !one.deletedAt)
  const known = new Set([uploaded, ...superseded].map(one => one?.certificateId))
  // those of `replaces` are in no history of this host
  const foreign = (replacement?.resources ?? [])
    .map(({ certificateId }) => certificateId)
    .filter(id => !known.has(id) && id !== replacement?.to && !replacement?.unbound?.includes(id))
  const isCurrent = replacement?.to === uploaded?.certificateId
  return {
    // a renewal that was not looked at yet
    state: !replacement ? 'none' : isCurrent ? replacement.state : 'surveying',
    seconds: replacement?.replacedAt
      ? (Date.parse(replacement.replacedAt) - Date.parse(replacement.startedAt)) / 1000
      : undefined,
    oldIdsBound: bound.length + new Set(foreign).size,
  }
}
