/** Who runs this, as the system sees it when files are opened. */
import { statSync } from 'node:fs'
import { userInfo } from 'node:os'

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
