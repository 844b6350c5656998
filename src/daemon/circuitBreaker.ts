/** Circuit breaker: a fault of the account pauses all uploads, and is logged once; new credentials end the pause. */
import type { App } from '../app.ts'
import { Fault } from '../errors.ts'
import type { SyncDeps } from '../upload/syncCertificate.ts'
import { ACCOUNT_PAUSE_MS, CREDENTIAL_POLL_MS } from '../util/schedule.ts'
import type { DaemonLog } from './log.ts'

export interface BreakerState {
  readonly until: number
  /** Faults in a row, each after the pause of the one before. */
  readonly faults: number
}

export const CLOSED: BreakerState = { until: Number.NEGATIVE_INFINITY, faults: 0 }

/** No pause is longer than the longest: a clock that was set back far must not make one. */
export const isOpen = ({ until }: BreakerState, now: number): boolean =>
  now < until && until - now <= ACCOUNT_PAUSE_MS.longest

/** 15 minutes, doubling to six hours. A fault during a pause does not extend it. */
export const trip = (state: BreakerState, now: number): BreakerState =>
  isOpen(state, now)
    ? state
    : {
        until: now + Math.min(ACCOUNT_PAUSE_MS.longest, ACCOUNT_PAUSE_MS.first * 2 ** state.faults),
        faults: state.faults + 1,
      }

interface OutageDetectorDeps {
  /** Called once when the service does not answer any more. */
  readonly onOutage: (fault: Fault) => void
  /** Called when an upload succeeds after others had failed. */
  readonly onRecovery: () => void
}

/** A failure while other uploads succeed is specific to that certificate, and no outage. */
function createOutageDetector({ onOutage, onRecovery }: OutageDetectorDeps) {
  let successes = 0
  let failing = false
  let silent = false
  return {
    /** An upload starts. */
    attempt: () => {
      const before = successes
      return {
        succeeded: () => {
          successes += 1
          if (failing) onRecovery()
          failing = false
          silent = false
        },
        failed: (fault: Fault) => {
          if (fault.retry !== 'backoff' || fault.scope === 'account' || successes > before) return
          failing = true
          if (fault.silent && !silent) onOutage(fault)
          silent ||= fault.silent
        },
      }
    },
  }
}

interface CircuitBreakerDeps extends OutageDetectorDeps {
  readonly upload: SyncDeps['upload']
  /** Makes the next upload start with fresh credentials and a new connection. */
  readonly renew: () => Promise<void>
  /** Called when a pause begins. */
  readonly onPause: (fault: Fault, until: Date) => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

interface CircuitBreaker {
  readonly upload: SyncDeps['upload']
  /** Milliseconds since 1970 until which uploads are paused, or undefined. */
  readonly openUntil: () => number | undefined
  /** Ends a pause. */
  readonly reset: () => void
}

export function createCircuitBreaker(deps: CircuitBreakerDeps): CircuitBreaker {
  const { upload, renew, onPause, now } = deps
  const outage = createOutageDetector(deps)
  let state = CLOSED
  let reason = ''
  let underWay = 0
  let needsRenewal = false
  const openUntil = () => (isOpen(state, now()) ? state.until : undefined)

  const onFault = (fault: Fault) => {
    if (fault.code === 'INTERRUPTED') return
    // an uploader sends nothing more after a fault of the account, nor once nothing has been answered for long
    if (fault.scope === 'account' || fault.silent) needsRenewal = true
    if (fault.scope !== 'account' || openUntil() !== undefined) return
    state = trip(state, now())
    reason = fault.message
    onPause(fault, new Date(state.until))
  }
  return {
    openUntil,
    reset: () => {
      state = CLOSED
    },
    upload: async (bundle, lineage) => {
      const until = openUntil()
      if (until !== undefined)
        throw new Fault('UPLOADS_PAUSED', `uploads paused until ${new Date(until).toISOString()}: ${reason}`)
      underWay += 1
      const attempt = outage.attempt()
      try {
        const uploaded = await upload(bundle, lineage)
        attempt.succeeded()
        // an upload that started before the fault of another one proves nothing
        if (openUntil() === undefined) state = CLOSED
        return uploaded
      } catch (error) {
        if (error instanceof Fault) {
          onFault(error)
          attempt.failed(error)
        }
        throw error
      } finally {
        underWay -= 1
        // not before: uploads under way would be aborted
        if (underWay === 0 && needsRenewal) {
          needsRenewal = false
          await renew()
        }
      }
    },
  }
}

interface CredentialPollDeps {
  /** Tells one set of credentials from another without containing one. */
  readonly mark: () => Promise<string>
  readonly isPaused: () => boolean
  readonly onNew: () => void
}

/** During a pause, checks every minute whether the credentials have changed. */
export function pollCredentials(
  { mark, isPaused, onNew }: CredentialPollDeps,
  period: number = CREDENTIAL_POLL_MS,
): { readonly begin: () => void; readonly end: () => void } {
  let timer: NodeJS.Timeout | undefined
  const end = () => clearInterval(timer)
  const begin = () => {
    end()
    const before = mark()
    const poll = async () => {
      if (!isPaused()) return end()
      if ((await mark()) === (await before)) return
      end()
      onNew()
    }
    timer = setInterval(() => void poll(), period).unref()
  }
  return { begin, end }
}

interface AccountBreaker extends Pick<CircuitBreaker, 'upload' | 'openUntil'> {
  readonly close: () => void
}

interface AccountBreakerDeps {
  readonly log: DaemonLog
  /** A pause has ended because the credentials are new. */
  readonly onNewCredentials: () => void
  readonly onRecovery: () => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export function createAccountBreaker(
  { effects, renewUploader, credentialsMark }: App,
  { log, onNewCredentials, onRecovery, now }: AccountBreakerDeps,
): AccountBreaker {
  const breaker = createCircuitBreaker({
    upload: effects.upload,
    renew: renewUploader,
    now,
    onPause: (fault, until) => {
      poll.begin()
      log.paused(fault, until)
    },
    onOutage: log.serviceUnreachable,
    onRecovery: () => {
      log.serviceRecovered()
      onRecovery()
    },
  })
  const poll = pollCredentials({
    mark: credentialsMark,
    isPaused: () => breaker.openUntil() !== undefined,
    onNew: () => {
      log.resumed()
      breaker.reset()
      onNewCredentials()
    },
  })
  return { upload: breaker.upload, openUntil: breaker.openUntil, close: poll.end }
}
