/** The state of each lineage as `status` shows it. Pure. */
import { isOverdue, type Life, overdueAdvice } from '../certificate/expiry.ts'
import { FAULTS, FLAW_ADVICE } from '../errors.ts'
import type { Receipt, RetryState, Upload } from '../receipts/receipt.ts'
import { isPending, type Outcome } from '../upload/outcome.ts'
import type { ReplacementStatus } from './replacement.ts'

/**
 * ok: uploaded as it is on disk · expiring, expired: uploaded, but not renewed in time · new, changed: the next run uploads
 * it · retrying: the last attempts failed · rejected: the service refused these bytes · refused: not sent on purpose ·
 * removed: no longer on disk · pending, failed: as the fault says. In the order of a summary.
 */
export const STATES = [
  'ok',
  'new',
  'changed',
  'pending',
  'expiring',
  'expired',
  'retrying',
  'rejected',
  'refused',
  'failed',
  'removed',
] as const

export type State = (typeof STATES)[number]

const DAY = 86_400_000

interface Known {
  /** The host that uploads go to. */
  readonly endpoint?: string
  readonly outcome?: Outcome
  readonly receipt: Receipt | undefined
  readonly replacement?: ReplacementStatus | undefined
}

export function statusRow({ outcome, receipt, replacement, endpoint }: Known, now: Date) {
  const uploaded = receipt?.uploaded
  const life = outcome?.bundle ?? lifeOf(uploaded)
  const failing = failingOf(outcome, receipt)
  const state: State = failing ? 'retrying' : stateOf(outcome, now)
  return {
    lineage: outcome?.lineage ?? receipt?.lineage ?? '',
    state,
    names: outcome?.bundle?.names ?? uploaded?.names ?? [],
    notAfter: life?.notAfter.toISOString() ?? null,
    daysLeft: life ? Math.floor((life.notAfter.getTime() - now.getTime()) / DAY) : null,
    lifetimeRemaining: life ? shareRemaining(life, now) : null,
    certificateId: uploaded?.certificateId ?? null,
    uploadedAt: uploaded?.uploadedAt ?? null,
    supersedes: receipt?.superseded.map(({ certificateId }) => certificateId) ?? [],
    retryingSince: failing?.since ?? null,
    // when a daemon tries again
    nextAttemptAt: failing?.nextAttemptAt ?? null,
    ...(failing
      ? failureReason(failing)
      : (elsewhere(state, uploaded, endpoint) ?? reasonOf(outcome, state, now))),
    replacement: replacement ?? null,
    // all that is recorded, as docs/operating.md describes it
    path: receipt?.path ?? null,
    uploaded: uploaded ?? null,
    superseded: receipt?.superseded ?? [],
    rejected: receipt?.rejected ?? null,
    failing: receipt?.failing ?? null,
  }
}

export type StatusRow = Readonly<ReturnType<typeof statusRow>>

const lifeOf = (uploaded: Upload | undefined): Life | undefined =>
  uploaded && { notBefore: new Date(uploaded.notBefore), notAfter: new Date(uploaded.notAfter) }

/** From 1 at the beginning of the lifetime to 0 at its end. */
function shareRemaining({ notBefore, notAfter }: Life, now: Date): number {
  const left = notAfter.getTime() - now.getTime()
  return left <= 0 ? 0 : Math.min(1, left / (notAfter.getTime() - notBefore.getTime()))
}

/** Failures count for the certificate they were about, not for a renewed one. */
function failingOf(outcome: Outcome | undefined, receipt: Receipt | undefined): RetryState | undefined {
  if (outcome?.outcome !== 'planned' && outcome?.outcome !== 'waiting') return undefined
  return receipt?.failing?.fingerprint === outcome.bundle?.fingerprint ? receipt?.failing : undefined
}

function stateOf(outcome: Outcome | undefined, now: Date): State {
  switch (outcome?.outcome) {
    case undefined:
      return 'removed'
    case 'unchanged':
    case 'uploaded':
      if (!outcome.bundle || !isOverdue(outcome.bundle, now.getTime())) return 'ok'
      return outcome.bundle.notAfter > now ? 'expiring' : 'expired'
    case 'waiting':
      return 'retrying'
    case 'planned':
      return outcome.because === 'first-seen' ? 'new' : 'changed'
    case 'refused':
      return outcome.because === 'rejected-before' ? 'rejected' : 'refused'
    case 'failed':
      return isPending(outcome.fault) ? 'pending' : 'failed'
  }
}

/** Why the state is not ok; for an uploaded certificate, why TLS clients may refuse it. */
interface Reason {
  readonly reason: string | null
  readonly advice: string | null
}

/** Uploaded to another site: this one does not know it. */
function elsewhere(state: State, uploaded: Upload | undefined, endpoint?: string): Reason | undefined {
  if (state !== 'new' || !uploaded || endpoint === undefined || uploaded.endpoint === endpoint)
    return undefined
  return {
    reason: `its ID is one of ${uploaded.endpoint}, and uploads go to ${endpoint} now`,
    advice:
      'If that is right, the next run uploads it there too; else correct endpoint: `certferry config print` shows where it is set.',
  }
}

/** A receipt may have a code of another version. */
const failureReason = ({ message, code }: RetryState): Reason => ({
  reason: message,
  advice: Object.hasOwn(FAULTS, code) ? FAULTS[code as keyof typeof FAULTS].advice : null,
})

function reasonOf(outcome: Outcome | undefined, state: State, now: Date): Reason {
  const bundle = outcome?.bundle
  if (bundle && (state === 'expiring' || state === 'expired'))
    return {
      reason:
        state === 'expired'
          ? 'it has expired and has not been renewed'
          : 'less than a third of its life is left, and it has not been renewed',
      advice: overdueAdvice(bundle, now.getTime()),
    }
  if (outcome && 'fault' in outcome) return { reason: outcome.fault.message, advice: outcome.fault.advice }
  if (bundle?.flaws.length) return { reason: bundle.flaws.join('; '), advice: FLAW_ADVICE }
  return { reason: null, advice: null }
}
