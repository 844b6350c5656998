/**
 * Whether another user of the machine decides what a path leads to. As sshd (`safe_path` in its misc.c) and sudo judge it: every
 * folder and link on the way, and what it leads to, belongs to root or to the user this runs as, and none else may write
 * it. Pure.
 */
import { quoteShell } from './shellWord.ts'

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
