/** What to notify of in a replacement: each kind of news once for each certificate ID. Pure. */
import { faultOf, isHeld } from '../deploy/state.ts'
import { FAULTS, type FaultCode } from '../errors.ts'
import type { Receipt } from '../receipts/receipt.ts'
import type { Replacement } from '../receipts/replacement.ts'
import { REPLACEMENT_RETRY_MS } from '../util/schedule.ts'
import type { Notification } from './notification.ts'

export function replacementNotifications(receipt: Receipt): readonly Notification[] {
  const { lineage, uploaded, replacement } = receipt
  if (!replacement || replacement.to !== uploaded?.certificateId) return []
  const { to, replacedAt, state, jobs, reason = null } = replacement
  const about = {
    lineage,
    names: uploaded.names,
    certificateId: to,
    supersedes: jobs.find(job => job.to === to)?.from ?? receipt.superseded[0]?.certificateId ?? null,
    notAfter: uploaded.notAfter,
    again: null,
  }
  const key = (event: string) => `${event} ${lineage} ${to}`
  const why = { reason, advice: adviceOn(replacement) }
  return [
    ...(replacedAt ? [{ ...about, event: 'replaced', key: key('replaced'), ...NO_REASON } as const] : []),
    ...(state === 'stale'
      ? [{ ...about, event: 'edge_stale', key: key('edge_stale'), ...why } as const]
      : []),
    ...(needsPerson(replacement)
      ? [{ ...about, event: 'replacement_failed', key: key('replacement_failed'), ...why } as const]
      : []),
  ]
}

const NO_REASON = { reason: null, advice: null } as const

/** What the next look may find solved is not told, unless it has found nothing new at each interval of the schedule. */
function needsPerson(replacement: Replacement): boolean {
  const { state, code, attempts } = replacement
  if (state === 'uncovered' || state === 'untrusted' || state === 'partly') return true
  if (state === 'held') return !isHeld(replacement)
  // a pause is told by itself
  if (code === undefined || !(code in FAULTS) || code === 'UPLOADS_PAUSED') return false
  const { retry, exit } = FAULTS[code as FaultCode]
  return retry === 'never' || exit !== 75 || attempts > REPLACEMENT_RETRY_MS.length
}

const adviceOn = (replacement: Replacement): string | null =>
  replacement.advice ?? faultOf(replacement)?.advice ?? null
