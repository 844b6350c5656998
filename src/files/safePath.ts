/** Follows a path as the kernel does, link by link, and finds out whether another user decides where it leads. */
import { lstatSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Fault, type FaultCode } from '../errors.ts'
import { quoteShell } from '../terminal/text.ts'
import { currentUser } from './permissions.ts'
import { errorCode } from './readFile.ts'

/** One file, folder or link between / and what a path leads to. */
export interface Step {
  readonly path: string
  readonly kind: 'folder' | 'link' | 'other'
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/** What is wrong with which step, and what to do. */
export interface Unsafe {
  readonly path: string
  readonly says: string
  /** A command or a request, without a period. */
  readonly advice: string
  /** The next attempt may succeed. */
  readonly mayPass?: boolean
}

const ROOT = 0

/** The first step that another user than root and these decides about. */
export function unsafeStep(steps: readonly Step[], ...uids: readonly number[]): Unsafe | undefined {
  for (const step of steps) {
    const problem = problemOf(step, uids)
    if (problem) return { path: step.path, ...problem }
  }
  return undefined
}

function problemOf(
  { path, kind, mode, uid: owner, gid }: Step,
  uids: readonly number[],
): Omit<Unsafe, 'path'> | undefined {
  const name = quoteShell(path)
  if (owner !== ROOT && !uids.includes(owner)) {
    const says = `belongs to another user (uid ${owner})`
    return kind === 'link'
      ? { says: `is a link that ${says}`, advice: `rm ${name}, or name what it leads to` }
      : { says, advice: `chown root ${name}, or use another place` }
  }
  // a link has no permissions: those of its folder count, which is the step before it
  if (kind === 'link') return undefined
  // in a folder such as /tmp only its owner can rename or remove an entry, and the owner is checked with the next step
  if (kind === 'folder' && mode & 0o1000) return undefined
  const byAll = (mode & 0o002) !== 0
  // root's own group has root's rights everywhere
  const byGroup = (mode & 0o020) !== 0 && gid !== ROOT
  if (!byAll && !byGroup) return undefined
  const says = byAll
    ? 'may be written by every user of this machine'
    : `may be written by its group (gid ${gid})`
  return { says, advice: `chmod ${byGroup ? 'g' : ''}${byAll ? 'o' : ''}-w ${name}` }
}

/** More than the kernel follows. */
const MAX_LINKS = 40

interface Followed {
  /** From / on. */
  readonly steps: readonly Step[]
  /** Where it ended early, with an error's code. */
  readonly ended?: { readonly path: string; readonly code: string }
}

/**
 * From the root on, so that a step can have been replaced only by the owners of the steps before it. A link counts as a
 * step, and so does every folder on the path to where it leads.
 */
export function followPath(path: string): Followed {
  const steps: Step[] = []
  let left = namesIn(resolve(path))
  let at = '/'
  let links = 0
  try {
    for (;;) {
      const stat = lstatSync(at)
      const { uid, gid, mode } = stat
      const kind = stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'folder' : 'other'
      steps.push({ path: at, kind, uid, gid, mode })
      if (kind === 'link') {
        if (++links > MAX_LINKS) return { steps, ended: { path: at, code: 'ELOOP' } }
        const target = readlinkSync(at)
        left = [...namesIn(target), ...left]
        at = target.startsWith('/') ? '/' : dirname(at)
        continue
      }
      const next = left.shift()
      if (next === undefined)
        return isSame(stat, statSync(path)) ? { steps } : { steps, ended: { path, code: 'ESTALE' } }
      at = resolve(at, next)
    }
  } catch (error) {
    const code = errorCode(error)
    if (!code) throw error
    return { steps, ended: { path: at, code } }
  }
}

const namesIn = (path: string) => path.split('/').filter(Boolean)

/** Links of /proc lead elsewhere than they say: what the kernel opens must be what was checked. */
const isSame = (a: Stats, b: Stats) => a.dev === b.dev && a.ino === b.ino

/**
 * What another user decides about on the path to a file, or the file itself; also what cannot be examined. `trusted` is one
 * more user who may.
 */
export function unsafePath(path: string, trusted?: number): Unsafe | undefined {
  const { steps, ended } = followPath(path)
  // a missing file is named as the caller named it
  return unsafeIn(steps, trusted) ?? (ended && (ended.code === 'ENOENT' ? missing(path) : unseen(ended)))
}

/** As unsafePath, of a place that may not be there yet: its existing part is checked. */
export function unsafePlace(path: string): Unsafe | undefined {
  const { steps, ended } = followPath(path)
  // whoever writes a file that stands in the way, nothing can be made below it
  if (ended?.code === 'ENOTDIR') return unsafeIn(steps.slice(0, -1))
  return unsafeIn(steps) ?? (ended && ended.code !== 'ENOENT' ? unseen(ended) : undefined)
}

/**
 * As unsafePath, of the state directory: it may itself belong to the service's user, for whom root records, where that user
 * cannot have put it there.
 */
export function unsafeState(path: string): Unsafe | undefined {
  const { steps, ended } = followPath(path)
  const folder = dirname(steps.at(-1)?.path ?? '')
  const isPlacedByOwner = steps.every(step => step.path !== folder || (step.mode & 0o022) === 0)
  return unsafeIn(isPlacedByOwner ? steps.slice(0, -1) : steps) ?? (ended && unseen(ended))
}

/** @throws Fault of that code where another user decides what is read; FILE_UNAVAILABLE where a later attempt may succeed. */
export function requireSafe(path: string, code: FaultCode, why: string, trusted?: number): void {
  const unsafe = unsafePath(path, trusted)
  if (!unsafe) return
  const { says, advice, mayPass } = unsafe
  throw mayPass
    ? new Fault('FILE_UNAVAILABLE', `${unsafe.path}: ${says}`)
    : new Fault(code, `${unsafe.path}: ${says}`, { advice: `${advice}: ${why}.` })
}

function unsafeIn(steps: readonly Step[], trusted = ROOT): Unsafe | undefined {
  // the name service is not asked where everything is root's
  const uid = steps.some(step => step.uid !== ROOT) ? currentUser().uid : ROOT
  return unsafeStep(steps, uid, trusted)
}

/** Errors that stay: of permission, or of a path that leads nowhere. */
const LASTING: readonly string[] = ['EACCES', 'EPERM', 'ELOOP', 'ENOTDIR', 'ENAMETOOLONG']

const missing = (path: string): Unsafe => ({
  path,
  says: 'is not there',
  advice: 'Check the path',
  mayPass: true,
})

const unseen = ({ path, code }: NonNullable<Followed['ended']>): Unsafe => ({
  path,
  says: `cannot be examined (${code})`,
  advice: 'Let this user read every folder of the path, or use another place',
  mayPass: !LASTING.includes(code),
})
