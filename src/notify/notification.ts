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
  /** A notification with the same key is not sent again before `again` milliseconds have passed. */
  readonly key: string
  readonly again: number
}

const DAY = 86_400_000

const NEVER_REPEAT = Number.POSITIVE_INFINITY

/** Routine is left out: what is unchanged, and faults that the next try may fix. */
export function notificationsFor(
  outcome: Outcome,
  receipt: Receipt | undefined,
  now: number,
): readonly Notification[] {
  const about = aboutOf(outcome, receipt)
  return [
    ...uploadedNotification(outcome, receipt, about),
    ...faultNotification(outcome, receipt, about, now),
    ...overdueNotification(outcome, about, now),
  ]
}

type About = Pick<Notification, 'lineage' | 'names' | 'certificateId' | 'supersedes' | 'notAfter'>

const aboutOf = ({ lineage, bundle }: Outcome, receipt: Receipt | undefined): About => ({
  lineage,
  names: bundle?.names ?? [],
  certificateId: receipt?.uploaded?.certificateId ?? null,
  supersedes: null,
  notAfter: bundle?.notAfter.toISOString() ?? null,
})

/** An ID that the receipt already has is no news. */
function uploadedNotification(
  outcome: Outcome,
  receipt: Receipt | undefined,
  about: About,
): readonly Notification[] {
  if (outcome.outcome !== 'uploaded' || receipt?.uploaded?.certificateId === outcome.certificateId) return []
  const { certificateId, supersedes, lineage } = outcome
  const news = { event: 'uploaded', certificateId, supersedes, reason: null, advice: null } as const
  return [{ ...about, ...news, key: `uploaded ${lineage} ${certificateId}`, again: NEVER_REPEAT }]
}

function faultNotification(
  outcome: Outcome,
  receipt: Receipt | undefined,
  about: About,
  now: number,
): readonly Notification[] {
  if (!('fault' in outcome)) return []
  const { fault, bundle, lineage } = outcome
  const why = { reason: fault.message, advice: fault.advice }
  // the service stored this certificate; the others wait for the disk
  if (fault.code === 'UPLOAD_NOT_RECORDED')
    return [{ ...pausedNotification(causeOf(fault)), ...about, certificateId: null, reason: fault.message }]
  if (stopsUploads(fault)) return [pausedNotification(fault)]
  // expired certificates have their own notification
  if (fault.scope === 'account' || fault.code === 'EXPIRED') return []
  if (fault.retry === 'never')
    return [
      {
        ...about,
        ...why,
        event: 'rejected',
        key: `rejected ${lineage} ${bundle?.fingerprint ?? fault.code}`,
        again: NEVER_REPEAT,
      },
    ]
  const failing = receipt?.failing
  if (!failing || failing.fingerprint !== bundle?.fingerprint || now - Date.parse(failing.since) < DAY)
    return []
  return [
    { ...about, ...why, event: 'failing', key: `failing ${lineage} ${failing.since}`, again: NEVER_REPEAT },
  ]
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

/** Why the ID could not be recorded. */
const causeOf = ({ cause, message }: Fault): Fault =>
  cause instanceof Fault ? cause : new Fault('STATE_DIR_UNUSABLE', message)

/** A person must act before anything can be uploaded. */
const stopsUploads = ({ scope, code, retry }: Fault) =>
  scope === 'account' && retry !== 'backoff' && code !== 'INTERRUPTED'

function overdueNotification(
  { lineage, bundle }: Outcome,
  about: About,
  now: number,
): readonly Notification[] {
  // a working client renews within a day of being due
  if (!bundle || !isLate(bundle, now)) return []
  const ended = bundle.notAfter.getTime() <= now
  const reason = ended
    ? 'it has expired and has not been renewed'
    : 'less than a third of its life is left, and it has not been renewed'
  const advice = overdueAdvice(bundle, now)
  return [
    {
      ...about,
      event: 'renewal_overdue',
      reason,
      advice,
      key: `renewal_overdue ${lineage} ${about.notAfter}`,
      again: ABOUT_A_DAY,
    },
  ]
}
