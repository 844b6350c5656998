/** Does something as a user who owns nothing. Root reads everything, and tests in a container often run as root. */
import { geteuid, seteuid } from 'node:process'

const NOBODY = 65_534

export const isRoot = geteuid?.() === 0

/** As anybody but root there is nothing to change. */
export async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (!isRoot) return work()
  seteuid?.(NOBODY)
  try {
    return await work()
  } finally {
    seteuid?.(0)
  }
}
