/** Walks the way to a file as the kernel does, link by link, and tells whether another user decides where it leads. */
import { lstatSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Fault, type FaultCode } from '../errors.ts'
import { quoteShell } from '../terminal/text.ts'
import { currentUser } from './permissions.ts'
import { errorCode } from './readFile.ts'

/** One step on the way from / to what a path leads to, links included. */
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
  /** What hides it may be over at the next attempt. */
  readonly mayPass?: boolean
}

const ROOT = 0

/** The first step that another user than root and `uid` decides about. */
export function unsafeStep(steps: readonly Step[], uid: number): Unsafe | undefined {
  for (const step of steps) {
    const unsafe = judged(step, uid)
    if (unsafe) return { path: step.path, ...unsafe }
  }
  return undefined
}

function judged(step: Step, uid: number): Omit<Unsafe, 'path'> | undefined {
  const name = quoteShell(step.path)
  if (step.uid !== ROOT && step.uid !== uid) {
    const says = `belongs to another user (uid ${step.uid})`
    return step.kind === 'link'
      ? { says: `is a link that ${says}`, advice: `rm ${name}, or name what it leads to` }
      : { says, advice: `chown root ${name}, or use another place` }
  }
  // a link has no permissions of its own: the folder that holds it decides, and stands in the list before it
  if (step.kind === 'link') return undefined
  // in a folder such as /tmp the owner of an entry alone can rename or remove it, and the owner is judged with the next step
  const isSticky = step.kind === 'folder' && (step.mode & 0o1000) !== 0
  if (isSticky) return undefined
  const byAll = (step.mode & 0o002) !== 0
  // root's own group has root's rights everywhere
  const byGroup = (step.mode & 0o020) !== 0 && step.gid !== ROOT
  if (!byAll && !byGroup) return undefined
  const says = byAll
    ? 'may be written by every user of this machine'
    : `may be written by its group (gid ${step.gid})`
  return { says, advice: `chmod ${byGroup ? 'g' : ''}${byAll ? 'o' : ''}-w ${name}` }
}

/** More than the kernel follows. */
const MOST_LINKS = 40

interface Way {
  /** From / on. */
  readonly steps: readonly Step[]
  /** Where it ended before its end, and why: an error's code. */
  readonly ended?: { readonly path: string; readonly code: string }
}

/**
 * From the root on, so that a step that is looked at is one that only those can have replaced who own the steps before it.
 * Each link is followed by hand: it counts as a step, and so does every folder on the way to where it leads.
 */
export function wayTo(path: string): Way {
  const steps: Step[] = []
  let left = namesIn(resolve(path))
  let at = '/'
  let links = 0
  try {
    for (;;) {
      const stat = lstatSync(at)
      steps.push(stepAt(at, stat))
      if (stat.isSymbolicLink()) {
        if (++links > MOST_LINKS) return { steps, ended: { path: at, code: 'ELOOP' } }
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

const stepAt = (path: string, stat: Stats): Step => ({
  path,
  kind: stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'folder' : 'other',
  uid: stat.uid,
  gid: stat.gid,
  mode: stat.mode,
})

/** Links of /proc lead elsewhere than they say: what the kernel opens is what has to have been looked at. */
const isSame = (a: Stats, b: Stats) => a.dev === b.dev && a.ino === b.ino

/** What on the way to a file, or the file itself, another user of the machine decides about. What cannot be looked at counts. */
export function unsafePath(path: string): Unsafe | undefined {
  const { steps, ended } = wayTo(path)
  // of a file that is not there the name is told that it was asked for by
  return unsafeIn(steps) ?? (ended && (ended.code === 'ENOENT' ? missing(path) : unseen(ended)))
}

/** As unsafePath, of a place that may not be there yet: as far as it is. What is in the way of making it is seen then. */
export function unsafePlace(path: string): Unsafe | undefined {
  const { steps, ended } = wayTo(path)
  const isOpen = ended?.code === 'ENOENT' || ended?.code === 'ENOTDIR'
  return unsafeIn(steps) ?? (ended && !isOpen ? unseen(ended) : undefined)
}

/**
 * As unsafePath, of the state directory: it may itself belong to the service's user, for whom root records, where that user
 * cannot have put it there.
 */
export function unsafeState(path: string): Unsafe | undefined {
  const { steps, ended } = wayTo(path)
  const own = steps.slice(0, isChosen(steps) ? -1 : undefined)
  return unsafeIn(own) ?? (ended && unseen(ended))
}

/** Only those whose folder it is have put the last step where it is: it is in no folder such as /tmp. */
function isChosen(steps: readonly Step[]): boolean {
  const folder = dirname(steps.at(-1)?.path ?? '')
  return steps.every(({ path, mode }) => path !== folder || (mode & 0o022) === 0)
}

/** @throws Fault of that code where another user decides what is read; FILE_UNAVAILABLE where that may be seen later. */
export function requireSafe(path: string, code: FaultCode, why: string): void {
  const unsafe = unsafePath(path)
  if (!unsafe) return
  const { says, advice, mayPass } = unsafe
  throw mayPass
    ? new Fault('FILE_UNAVAILABLE', `${unsafe.path}: ${says}`)
    : new Fault(code, `${unsafe.path}: ${says}`, { advice: `${advice}: ${why}.` })
}

function unsafeIn(steps: readonly Step[]): Unsafe | undefined {
  // a name service is asked only where it matters who this is
  const uid = steps.some(step => step.uid !== 0) ? currentUser().uid : 0
  return unsafeStep(steps, uid)
}

/** These say that it is not for this user to see, or that it leads nowhere; all else may pass. */
const LASTING: readonly string[] = ['EACCES', 'EPERM', 'ELOOP', 'ENOTDIR', 'ENAMETOOLONG']

const missing = (path: string): Unsafe => ({
  path,
  says: 'is not there',
  advice: 'Check the path',
  mayPass: true,
})

const unseen = ({ path, code }: NonNullable<Way['ended']>): Unsafe => ({
  path,
  says: `cannot be looked at (${code})`,
  advice: 'Let this user look at every folder on the way, or use another place',
  mayPass: !LASTING.includes(code),
})
