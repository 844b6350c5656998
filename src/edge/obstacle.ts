/** Why a file cannot be read: the link that leads nowhere, or the folder that lets this user not in. */
import { constants, lstat, open, readlink, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { PathProblem } from '../core/remedy.ts'

/** As the kernel follows links at most. */
const LINKS = 40

/** Undefined where nothing is in the way, or nothing that can be named. */
export async function firstDeniedPath(path: string): Promise<PathProblem | undefined> {
  let at = resolve(path)
  let first: string | undefined
  for (let links = 0; links < LINKS; links++) {
    const closed = await closedOn(at)
    if (closed) return closed
    const entry = await lstat(at).catch(() => undefined)
    if (!entry) return first === undefined ? undefined : { kind: 'dangling', link: first, missing: at }
    if (!entry.isSymbolicLink()) return undefined
    first ??= at
    at = resolve(dirname(at), await readlink(at))
  }
  return undefined
}

/** The first on the way from the root that is closed to this user: a folder that cannot be entered, or the file itself. */
async function closedOn(path: string): Promise<PathProblem | undefined> {
  const steps = path.split('/').slice(1)
  for (let depth = 0; depth < steps.length; depth++) {
    const here = join('/', ...steps.slice(0, depth))
    if (await isRefused(() => lstat(`${here}/.`))) return closedAt(here)
  }
  const entry = await lstat(path).catch(() => undefined)
  if (!entry || entry.isSymbolicLink()) return undefined
  return (await isRefused(() => opened(path))) ? closedAt(path) : undefined
}

/** Not access(2): that asks for the real user and forgets capabilities, which the service's unit reads by. */
const isRefused = (attempt: () => Promise<unknown>): Promise<boolean> =>
  attempt().then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === 'EACCES' || code === 'EPERM',
  )

/** A folder can be listed once it is open; a FIFO without a writer is not waited for. */
async function opened(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  await handle.close()
}

async function closedAt(path: string): Promise<PathProblem | undefined> {
  const { mode, uid } = await stat(path)
  return { kind: 'closed', path, mode: mode & 0o7777, uid }
}
