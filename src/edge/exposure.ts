/** Who may get at the files that secrets were read from; said once, and again only when it becomes another. */
import { realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type InsecurePermissions, isWorldAccessible } from '../core/exposure.ts'

export interface PermissionWarnings {
  /** A secret was read from this file, which has these permissions. */
  readonly record: (exposure: InsecurePermissions) => Promise<void>
  readonly all: () => readonly InsecurePermissions[]
  /** Whom to tell of what is found from now on. */
  readonly onWarning: (tell: (exposure: InsecurePermissions) => void) => void
}

export function createPermissionWarnings(): PermissionWarnings {
  const known = new Map<string, InsecurePermissions>()
  let told = (_: InsecurePermissions) => {}
  return {
    record: async exposure => {
      const { file, mode } = exposure
      if (!isWorldAccessible(mode)) return void known.delete(file)
      if (known.get(file)?.mode === mode || !isReachable(file)) return
      known.set(file, exposure)
      told(exposure)
    },
    all: () => [...known.values()],
    onWarning: tell => {
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
