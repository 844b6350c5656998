/** The account as a daemon meets it: a fault of it makes all uploads rest, and new credentials end the rest. */
import type { WeatherEffects } from '../core/weather.ts'
import type { Effects } from '../sync.ts'
import type { Engine } from './engine.ts'
import { openGate } from './gate.ts'
import { openVigil } from './vigil.ts'
import type { Voice } from './voice.ts'

export interface Account {
  readonly upload: Effects['upload']
  /** Milliseconds since 1970; undefined while uploads go out. */
  readonly restsUntil: () => number | undefined
  readonly close: () => void
}

export interface AccountEffects extends Pick<WeatherEffects, 'onReturn'> {
  readonly voice: Voice
  /** The credentials are new ones, and uploads may go on. */
  readonly onNew: () => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export function openAccount(
  { effects, renewUploader, credentialsMark }: Engine,
  { voice, onNew, onReturn, now }: AccountEffects,
): Account {
  const gate = openGate({
    upload: effects.upload,
    renew: renewUploader,
    now,
    onPause: (fault, until) => {
      vigil.begin()
      voice.paused(fault, until)
    },
    onSilence: voice.silent,
    onReturn: () => {
      voice.heard()
      onReturn()
    },
  })
  const vigil = openVigil({
    mark: credentialsMark,
    resting: () => gate.closedUntil() !== undefined,
    onNew: () => {
      voice.resumed()
      gate.lift()
      onNew()
    },
  })
  return { upload: gate.upload, restsUntil: gate.closedUntil, close: vigil.end }
}
