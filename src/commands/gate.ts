/** Uploads of a daemon, while the account allows them: its faults make all uploads rest, and are said once. */
import { afterFault, isResting, NO_PAUSE } from '../core/accountPause.ts'
import { Fault } from '../core/fault.ts'
import { openWeather, type WeatherEffects } from '../core/weather.ts'
import type { Effects } from '../sync.ts'

export interface GateEffects extends WeatherEffects {
  readonly upload: Effects['upload']
  /** The next upload is to begin with fresh credentials and an open way. */
  readonly renew: () => Promise<void>
  /** Told when uploads begin to rest, with the fault and until when. */
  readonly onPause: (fault: Fault, until: Date) => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export interface Gate {
  readonly upload: Effects['upload']
  /** Milliseconds since 1970 until which uploads rest, or undefined. */
  readonly closedUntil: () => number | undefined
  /** Ends a pause: credentials have changed. */
  readonly lift: () => void
}

export function openGate(effects: GateEffects): Gate {
  const { upload, renew, onPause, now } = effects
  const weather = openWeather(effects)
  let pause = NO_PAUSE
  let reason = ''
  let underWay = 0
  let halted = false
  const closedUntil = () => (isResting(pause, now()) ? pause.until : undefined)

  const close = (fault: Fault) => {
    if (closedUntil() !== undefined) return
    pause = afterFault(pause, now())
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
    closedUntil,
    lift: () => {
      pause = NO_PAUSE
    },
    upload: async (bundle, lineage) => {
      const until = closedUntil()
      if (until !== undefined)
        throw new Fault('PAUSED', `uploads rest until ${new Date(until).toISOString()}: ${reason}`)
      underWay += 1
      const leaving = weather.leaves()
      try {
        const uploaded = await upload(bundle, lineage)
        leaving.cameThrough()
        // one that left before the fault of another proves nothing
        if (closedUntil() === undefined) pause = NO_PAUSE
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
