/** Files that hold a secret and that every user of the machine can get at. Pure. */

import type { LogEntry } from './report.ts'
import { quoteShell } from './shellWord.ts'

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

const octal = (mode: number) => `0${(mode & 0o777).toString(8).padStart(3, '0')}`

export const permissionText = ({ file, mode, what }: InsecurePermissions): string =>
  `${file}: every user of this machine may ${mode & 0o002 ? 'change' : 'read'} this ${what} (mode ${octal(mode)})`

export const permissionAdvice = ({ file }: InsecurePermissions): string => `chmod o= ${quoteShell(file)}`

export const permissionEntry = (exposure: InsecurePermissions): LogEntry => ({
  level: 'warn',
  fields: {
    event: 'exposed',
    file: exposure.file,
    mode: octal(exposure.mode),
    advice: permissionAdvice(exposure),
  },
  message: permissionText(exposure),
})
