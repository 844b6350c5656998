/** Warns once of each file with a secret that other users may read or write, and again when its mode changes. */
import { realpathSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { quoteShell } from '../terminal/text.ts'

export interface User {
  readonly uid: number
  /** The number where the user has no name. */
  readonly name: string
}

export function currentUser(): User {
  try {
    const { uid, username } = userInfo()
    return { uid, name: username }
  } catch {
    // a container may run under a number that /etc/passwd does not know
    const { uid } = statSync('/proc/self')
    return { uid, name: String(uid) }
  }
}

export interface InsecurePermissions {
  readonly file: string
  /** The permission bits. */
  readonly mode: number
  /** What it holds, in words. */
  readonly what: string
}

/**
 * The bits for others. Not those of the group: to be read by one (`ssl-cert`, or systemd for its credentials, which shows
 * an ACL as a group's) is what a group is for.
 */
export const isWorldAccessible = (mode: number): boolean => (mode & 0o006) !== 0

export const octal = (mode: number) => `0${(mode & 0o777).toString(8).padStart(3, '0')}`

export const permissionText = ({ file, mode, what }: InsecurePermissions): string =>
  `${file}: every user of this machine may ${mode & 0o002 ? 'change' : 'read'} this ${what} (mode ${octal(mode)})`

export const permissionAdvice = ({ file }: InsecurePermissions): string => `chmod o= ${quoteShell(file)}`

export interface PermissionWarnings {
  /** Called for each file that a secret was read from. */
  readonly record: (permissions: InsecurePermissions) => Promise<void>
  readonly all: () => readonly InsecurePermissions[]
  /** Sets what is called for each warning from now on. */
  readonly onWarning: (listener: (permissions: InsecurePermissions) => void) => void
}

export function createPermissionWarnings(): PermissionWarnings {
  const known = new Map<string, InsecurePermissions>()
  let warn = (_: InsecurePermissions) => {}
  return {
    record: async permissions => {
      const { file, mode } = permissions
      if (!isWorldAccessible(mode)) return void known.delete(file)
      if (known.get(file)?.mode === mode || !isReachable(file)) return
      known.set(file, permissions)
      warn(permissions)
    },
    all: () => [...known.values()],
    onWarning: listener => {
      warn = listener
    },
  }
}

/** Whether every user may enter all folders above it: old versions of certbot left keys open in closed folders. */
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
