/** Circuit breaker: a fault of the account pauses all uploads, and is logged once; new credentials end the pause. */
import { Fault } from '../errors.ts'
import { isOfAction } from '../upload/requestQueue.ts'
import type { SyncDeps } from '../upload/syncCertificate.ts'
import { ACCOUNT_PAUSE_MS, CREDENTIAL_POLL_MS } from '../util/schedule.ts'
import type { DaemonLog } from './log.ts'

export interface BreakerState {
  readonly until: number
  /** Faults in a row, each after the pause of the one before. */
  readonly faults: number
}

export const CLOSED: BreakerState = { until: Number.NEGATIVE_INFINITY, faults: 0 }

/** A pause that seems longer than the longest means that the clock was set back: it is over. */
export const isOpen = ({ until }: BreakerState, now: number): boolean =>
  now < until && until - now <= ACCOUNT_PAUSE_MS.longest

/** 15 minutes, doubling to six hours. A fault during a pause does not extend it. */
export function trip(state: BreakerState, now: number): BreakerState {
  if (isOpen(state, now)) return state
  const pause = Math.min(ACCOUNT_PAUSE_MS.longest, ACCOUNT_PAUSE_MS.first * 2 ** state.faults)
  return { until: now + pause, faults: state.faults + 1 }
}

/** After a fault of the account, or a long time without any answer, an uploader sends nothing more. */
const endsUploader = (fault: Fault): boolean =>
  (fault.scope === 'account' || fault.silent) && fault.code !== 'INTERRUPTED' && !isOfAction(fault)

interface CircuitBreakerDeps {
  readonly upload: SyncDeps['upload']
  /** Makes the next upload start with fresh credentials and a new connection. */
  readonly renewUploader: () => Promise<void>
  /** Identifies the credentials without containing them. */
  readonly credentialsMark: () => Promise<string>
  readonly log: Pick<DaemonLog, 'paused' | 'resumed' | 'serviceUnreachable' | 'serviceRecovered'>
  /** Called when a pause ends because the credentials have changed. */
  readonly onNewCredentials: () => void
  /** Called when an upload succeeds after others had failed. */
  readonly onRecovery: () => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

interface CircuitBreaker {
  readonly upload: SyncDeps['upload']
  /**
   * Sends a request of a replacement: none during a pause. Its faults pause nothing, because a key that may not replace may
   * well upload, and an upload meets what concerns both by itself.
   */
  readonly request: <T>(send: () => Promise<T>) => Promise<T>
  /** Milliseconds since 1970 until which uploads are paused, or undefined. */
  readonly openUntil: () => number | undefined
  /** Why they are, in words; of the last pause. */
  readonly reason: () => string
  readonly close: () => void
}

export function createCircuitBreaker(deps: CircuitBreakerDeps): CircuitBreaker {
  const { upload, renewUploader, credentialsMark, log, onNewCredentials, onRecovery, now } = deps
  let state = CLOSED
  let reason = ''
  let underWay = 0
  let needsRenewal = false
  let successes = 0
  let isFailing = false
  let poll: NodeJS.Timeout | undefined
  const openUntil = () => (isOpen(state, now()) ? state.until : undefined)

  function onSuccess(): void {
    successes += 1
    // an upload that started before the fault of another one proves nothing
    if (openUntil() === undefined) state = CLOSED
    if (!isFailing) return
    isFailing = false
    log.serviceRecovered()
    onRecovery()
  }

  /** `before`: the uploads that had succeeded when this one started. */
  function onFault(fault: Fault, before: number): void {
    if (fault.code === 'INTERRUPTED') return
    if (endsUploader(fault) || isOfAction(fault)) needsRenewal = true
    if (fault.scope === 'account') {
      if (openUntil() === undefined) pause(fault)
    } else if (fault.retry === 'backoff' && successes === before) {
      // a failure while other uploads succeed is specific to that certificate, and no outage
      isFailing = true
      if (fault.silent) log.serviceUnreachable(fault)
    }
  }

  function pause(fault: Fault): void {
    state = trip(state, now())
    reason = fault.message
    log.paused(fault, new Date(state.until))
    clearInterval(poll)
    const before = credentialsMark()
    poll = setInterval(async () => {
      const isSame = (await credentialsMark()) === (await before)
      if (openUntil() === undefined) clearInterval(poll)
      else if (!isSame) resume()
    }, CREDENTIAL_POLL_MS).unref()
  }

  function resume(): void {
    clearInterval(poll)
    state = CLOSED
    log.resumed()
    onNewCredentials()
  }

  async function guarded<T>(work: () => Promise<T>, onFailure: (fault: Fault) => void): Promise<T> {
    const until = openUntil()
    if (until !== undefined)
      throw new Fault('UPLOADS_PAUSED', `uploads paused until ${new Date(until).toISOString()}: ${reason}`)
    underWay += 1
    try {
      return await work()
    } catch (error) {
      if (error instanceof Fault) onFailure(error)
      throw error
    } finally {
      underWay -= 1
      // not before: uploads under way would be aborted
      if (underWay === 0 && needsRenewal) {
        needsRenewal = false
        await renewUploader()
      }
    }
  }

  return {
    openUntil,
    reason: () => reason,
    close: () => clearInterval(poll),
    upload: (bundle, lineage) => {
      const before = successes
      const work = async () => {
        const uploaded = await upload(bundle, lineage)
        onSuccess()
        return uploaded
      }
      return guarded(work, fault => onFault(fault, before))
    },
    request: send =>
      guarded(send, fault => {
        if (endsUploader(fault)) needsRenewal = true
      }),
  }
}
