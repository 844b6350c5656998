/** Who may get at the files that secrets were read from; said once, and again only when it becomes another. */
import { realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Exposure, isForOthers } from '../core/exposure.ts'

export interface Exposures {
  /** A secret was read from this file, which has these permissions. */
  readonly saw: (exposure: Exposure) => Promise<void>
  readonly all: () => readonly Exposure[]
  /** Whom to tell of what is found from now on. */
  readonly tellTo: (tell: (exposure: Exposure) => void) => void
}

export function openExposures(): Exposures {
  const known = new Map<string, Exposure>()
  let told = (_: Exposure) => {}
  return {
    saw: async exposure => {
      const { file, mode } = exposure
      if (!isForOthers(mode)) return void known.delete(file)
      if (known.get(file)?.mode === mode || !isReachable(file)) return
      known.set(file, exposure)
      told(exposure)
    },
    all: () => [...known.values()],
    tellTo: tell => {
      told = tell
    },
  }
}

/** Every folder on the real way to it can be passed by all: certbot of old left keys open behind closed folders. */
export function isReachable(file: string): boolean {
  try {
    let folder = dirname(realpathSync(file))
    while (statSync(folder).mode & 0o001) {
      if (folder === '/') return true
      folder = dirname(folder)
    }
    return false
  } catch {
    return false
  }
}
