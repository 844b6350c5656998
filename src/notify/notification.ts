/** Decides what to notify of, from an outcome and the receipt before it. Pure. */
import { ABOUT_A_DAY, isLate, overdueAdvice } from '../certificate/expiry.ts'
import type { NotifyEvent } from '../config/values.ts'
import { Fault } from '../errors.ts'
import type { Receipt } from '../receipts/receipt.ts'
import type { Outcome } from '../upload/outcome.ts'

export interface Notification {
  readonly event: NotifyEvent
  readonly lineage: string
  readonly names: readonly string[]
  readonly certificateId: string | null
  readonly supersedes: string | null
  readonly notAfter: string | null
  readonly reason: string | null
  readonly advice: string | null
  /** A notification with the same key is not sent again before `again` milliseconds have passed, or ever if it is null. */
  readonly key: string
  readonly again: number | null
}

const DAY = 86_400_000

/** Routine is left out: what is unchanged, and faults that the next attempt may fix. */
export function notificationsFor(
  outcome: Outcome,
  receipt: Receipt | undefined,
  now: number,
): readonly Notification[] {
  const { lineage, bundle } = outcome
  const about: Notification = {
    event: 'uploaded',
    lineage,
    names: bundle?.names ?? [],
    certificateId: receipt?.uploaded?.certificateId ?? null,
    supersedes: null,
    notAfter: bundle?.notAfter.toISOString() ?? null,
    reason: null,
    advice: null,
    key: '',
    again: null,
  }
  const found: Notification[] = []
  // an ID that the receipt already has is no news
  if (outcome.outcome === 'uploaded' && about.certificateId !== outcome.certificateId) {
    const { certificateId, supersedes } = outcome
    found.push({ ...about, certificateId, supersedes, key: `uploaded ${lineage} ${certificateId}` })
  }
  if ('fault' in outcome) found.push(...faultNotification(outcome, receipt, about, now))
  if (bundle && isLate(bundle, now))
    found.push({
      ...about,
      event: 'renewal_overdue',
      reason:
        bundle.notAfter.getTime() <= now
          ? 'it has expired and has not been renewed'
          : 'less than a third of its life is left, and it has not been renewed',
      advice: overdueAdvice(bundle, now),
      key: `renewal_overdue ${lineage} ${about.notAfter}`,
      again: ABOUT_A_DAY,
    })
  return found
}

function faultNotification(
  { fault, bundle, lineage }: Extract<Outcome, { fault: Fault }>,
  receipt: Receipt | undefined,
  about: Notification,
  now: number,
): readonly Notification[] {
  // the service stored this certificate; the others wait for the disk
  if (fault.code === 'UPLOAD_NOT_RECORDED') {
    const { cause, message: reason } = fault
    const { event, advice, key, again } = pausedNotification(
      cause instanceof Fault ? cause : new Fault('STATE_DIR_UNUSABLE', reason),
    )
    return [{ ...about, event, certificateId: null, reason, advice, key, again }]
  }
  if (fault.scope === 'account') {
    const needsPerson = fault.retry !== 'backoff' && fault.code !== 'INTERRUPTED'
    return needsPerson ? [pausedNotification(fault)] : []
  }
  // an expired certificate is notified of as overdue
  if (fault.code === 'EXPIRED') return []
  const why = { reason: fault.message, advice: fault.advice }
  if (fault.retry === 'never') {
    const key = `rejected ${lineage} ${bundle?.fingerprint ?? fault.code}`
    return [{ ...about, ...why, event: 'rejected', key }]
  }
  const failing = receipt?.failing
  if (!failing || failing.fingerprint !== bundle?.fingerprint || now - Date.parse(failing.since) < DAY)
    return []
  return [{ ...about, ...why, event: 'failing', key: `failing ${lineage} ${failing.since}` }]
}

/** About all uploads, not about the certificate that met the fault first. */
export const pausedNotification = (fault: Fault): Notification => ({
  event: 'uploads_paused',
  lineage: '',
  names: [],
  certificateId: null,
  supersedes: null,
  notAfter: null,
  reason: fault.message,
  advice: fault.advice,
  key: `uploads_paused ${fault.code} ${fault.apiCode ?? ''}`,
  again: DAY,
})
