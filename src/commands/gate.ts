/** Uploads of a daemon, while the account allows them: its faults make all uploads rest, and are said once. */
import { CLOSED, isOpen, trip } from '../core/accountPause.ts'
import { Fault } from '../core/fault.ts'
import { createOutageDetector, type OutageDetectorDeps } from '../core/weather.ts'
import type { SyncDeps } from '../sync.ts'

export interface CircuitBreakerDeps extends OutageDetectorDeps {
  readonly upload: SyncDeps['upload']
  /** The next upload is to begin with fresh credentials and an open way. */
  readonly renew: () => Promise<void>
  /** Told when uploads begin to rest, with the fault and until when. */
  readonly onPause: (fault: Fault, until: Date) => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export interface CircuitBreaker {
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
        throw new Fault('PAUSED', `uploads rest until ${new Date(until).toISOString()}: ${reason}`)
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
