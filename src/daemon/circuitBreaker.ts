/** Uploads of a daemon, while the account allows them: its faults make all uploads rest, and are said once. */
import type { App } from '../app.ts'
import { Fault } from '../errors.ts'
import type { SyncDeps } from '../upload/syncCertificate.ts'
import type { DaemonLog } from './log.ts'

interface CredentialPollDeps {
  /** Tells one set of credentials from another without being one. */
  readonly mark: () => Promise<string>
  /** Still resting. */
  readonly resting: () => boolean
  readonly onNew: () => void
}

interface CredentialPoll {
  readonly begin: () => void
  readonly end: () => void
}

/** How soon new credentials are noticed. In milliseconds. */
const CREDENTIAL_POLL_MS = 60_000

export function pollCredentials(
  { mark, resting, onNew }: CredentialPollDeps,
  period = CREDENTIAL_POLL_MS,
): CredentialPoll {
  let timer: NodeJS.Timeout | undefined
  const end = () => clearInterval(timer)
  const begin = () => {
    end()
    const before = mark()
    const look = async () => {
      if (!resting()) return end()
      if ((await mark()) === (await before)) return
      end()
      onNew()
    }
    timer = setInterval(() => void look(), period).unref()
  }
  return { begin, end }
}

export interface BreakerState {
  readonly until: number
  /** Faults in a row, each after the pause of the one before. */
  readonly faults: number
}

export const CLOSED: BreakerState = { until: Number.NEGATIVE_INFINITY, faults: 0 }

const FIRST_PAUSE_MS = 15 * 60_000

const MAX_PAUSE_MS = 6 * 3_600_000

/** No pause is longer than the longest: a clock that was set back far does not make one. */
export const isOpen = ({ until }: BreakerState, now: number): boolean =>
  now < until && until - now <= MAX_PAUSE_MS

/** 15 minutes, doubling to six hours. Faults that meet a pause already begun make it no longer. */
export const trip = (pause: BreakerState, now: number): BreakerState =>
  isOpen(pause, now)
    ? pause
    : { until: now + Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** pause.faults), faults: pause.faults + 1 }

interface OutageDetectorDeps {
  /** Told once that nobody answers any more. */
  readonly onSilence: (fault: Fault) => void
  /** Told when an upload gets through after others had failed. */
  readonly onReturn: () => void
}

interface OutageDetector {
  /** An upload leaves. */
  readonly attempt: () => Attempt
}

interface Attempt {
  readonly succeeded: () => void
  readonly failed: (fault: Fault) => void
}

/** What fails while others come through is a matter of its own, and no weather. */
function createOutageDetector({ onSilence, onReturn }: OutageDetectorDeps): OutageDetector {
  let through = 0
  let foul = false
  let silent = false
  return {
    attempt: () => {
      const before = through
      return {
        succeeded: () => {
          through += 1
          if (foul) onReturn()
          foul = false
          silent = false
        },
        failed: fault => {
          if (fault.retry !== 'backoff' || fault.scope === 'account' || through > before) return
          foul = true
          if (fault.silent && !silent) onSilence(fault)
          silent ||= fault.silent
        },
      }
    },
  }
}

interface CircuitBreakerDeps extends OutageDetectorDeps {
  readonly upload: SyncDeps['upload']
  /** The next upload is to begin with fresh credentials and an open way. */
  readonly renew: () => Promise<void>
  /** Told when uploads begin to rest, with the fault and until when. */
  readonly onPause: (fault: Fault, until: Date) => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

interface CircuitBreaker {
  readonly upload: SyncDeps['upload']
  /** Milliseconds since 1970 until which uploads rest, or undefined. */
  readonly openUntil: () => number | undefined
  /** Ends a pause: credentials have changed. */
  readonly reset: () => void
}

export function createCircuitBreaker(effects: CircuitBreakerDeps): CircuitBreaker {
  const { upload, renew, onPause, now } = effects
  const weather = createOutageDetector(effects)
  let pause = CLOSED
  let reason = ''
  let underWay = 0
  let halted = false
  const closedUntil = () => (isOpen(pause, now()) ? pause.until : undefined)

  const close = (fault: Fault) => {
    if (closedUntil() !== undefined) return
    pause = trip(pause, now())
    reason = fault.message
    onPause(fault, new Date(pause.until))
  }
  const meet = (error: unknown) => {
    if (!(error instanceof Fault) || error.code === 'INTERRUPTED') return
    if (error.scope === 'account') close(error)
    // an uploader lets nothing more out after a fault of the account, nor once nothing at all has been answered for long
    if (error.scope === 'account' || error.silent) halted = true
  }
  return {
    openUntil: closedUntil,
    reset: () => {
      pause = CLOSED
    },
    upload: async (bundle, lineage) => {
      const until = closedUntil()
      if (until !== undefined)
        throw new Fault('UPLOADS_PAUSED', `uploads rest until ${new Date(until).toISOString()}: ${reason}`)
      underWay += 1
      const leaving = weather.attempt()
      try {
        const uploaded = await upload(bundle, lineage)
        leaving.succeeded()
        // one that left before the fault of another proves nothing
        if (closedUntil() === undefined) pause = CLOSED
        return uploaded
      } catch (error) {
        meet(error)
        if (error instanceof Fault) leaving.failed(error)
        throw error
      } finally {
        underWay -= 1
        // not before: what is under way ends by itself, and would be cut off
        if (underWay === 0 && halted) {
          halted = false
          await renew()
        }
      }
    },
  }
}

export interface AccountBreaker {
  readonly upload: SyncDeps['upload']
  /** Milliseconds since 1970; undefined while uploads go out. */
  readonly openUntil: () => number | undefined
  readonly close: () => void
}

interface AccountBreakerDeps extends Pick<OutageDetectorDeps, 'onReturn'> {
  readonly voice: DaemonLog
  /** The credentials are new ones, and uploads may go on. */
  readonly onNew: () => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export function createAccountBreaker(
  { effects, renewUploader, credentialsMark }: App,
  { voice, onNew, onReturn, now }: AccountBreakerDeps,
): AccountBreaker {
  const gate = createCircuitBreaker({
    upload: effects.upload,
    renew: renewUploader,
    now,
    onPause: (fault, until) => {
      vigil.begin()
      voice.paused(fault, until)
    },
    onSilence: voice.serviceUnreachable,
    onReturn: () => {
      voice.serviceRecovered()
      onReturn()
    },
  })
  const vigil = pollCredentials({
    mark: credentialsMark,
    resting: () => gate.openUntil() !== undefined,
    onNew: () => {
      voice.resumed()
      gate.reset()
      onNew()
    },
  })
  return { upload: gate.upload, openUntil: gate.openUntil, close: vigil.end }
}
