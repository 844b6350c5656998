/** Files that hold a secret and that every user of the machine can get at. Pure. */

import type { Entry } from './report.ts'
import { quoted } from './shellWord.ts'

export interface Exposure {
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
export const isForOthers = (mode: number): boolean => (mode & 0o006) !== 0

const octal = (mode: number) => `0${(mode & 0o777).toString(8).padStart(3, '0')}`

export const exposureText = ({ file, mode, what }: Exposure): string =>
  `${file}: every user of this machine may ${mode & 0o002 ? 'change' : 'read'} this ${what} (mode ${octal(mode)})`

export const exposureAdvice = ({ file }: Exposure): string => `chmod o= ${quoted(file)}`

export const exposureEntry = (exposure: Exposure): Entry => ({
  level: 'warn',
  fields: {
    event: 'exposed',
    file: exposure.file,
    mode: octal(exposure.mode),
    advice: exposureAdvice(exposure),
  },
  message: exposureText(exposure),
})
