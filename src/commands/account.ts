/** The account as a daemon meets it: a fault of it makes all uploads rest, and new credentials end the rest. */
import type { OutageDetectorDeps } from '../core/weather.ts'
import type { SyncDeps } from '../sync.ts'
import type { App } from './engine.ts'
import { createCircuitBreaker } from './gate.ts'
import { pollCredentials } from './vigil.ts'
import type { DaemonLog } from './voice.ts'

export interface AccountBreaker {
  readonly upload: SyncDeps['upload']
  /** Milliseconds since 1970; undefined while uploads go out. */
  readonly openUntil: () => number | undefined
  readonly close: () => void
}

export interface AccountBreakerDeps extends Pick<OutageDetectorDeps, 'onReturn'> {
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
