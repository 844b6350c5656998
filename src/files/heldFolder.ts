/**
 * Folders held open. What is done in one is done in it, whatever its owner, or anybody who may write above it, puts in the
 * place of its path meanwhile: Node has no openat(2), but /proc leads through the open folder itself.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, type Stats } from 'node:fs'
import { Fault } from '../errors.ts'
import { type Unsafe, unsafeState } from './safePath.ts'

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY

/** Does something in a folder that is one itself, and no link to one, by the path that leads through it. */
export function inside<T>(path: string, work: (held: string) => T): T {
  return holding(openSync(path, FOLDER | constants.O_NOFOLLOW), work)
}

/**
 * Does something in the state directory, which may be a link: systemd makes it one.
 * @throws Fault STATE_DIR_UNUSABLE where another user may put links and files of his own there, or something else in its place.
 */
export function insideState<T>(path: string, work: (held: string) => T): T {
  const fd = openSync(path, FOLDER)
  return holding(fd, held => {
    if (isEverybodys(fstatSync(fd))) throw everybodys(path)
    refuse(path, unsafeState(path))
    if (!existsSync(held))
      throw new Fault('STATE_DIR_UNUSABLE', 'there is no /proc here', {
        advice: 'Mount it: mount -t proc proc /proc.',
      })
    return work(held)
  })
}

const isEverybodys = ({ mode }: Pick<Stats, 'mode'>) => (mode & 0o002) !== 0

const everybodys = (path: string) =>
  new Fault(
    'STATE_DIR_UNUSABLE',
    `the state directory ${path} may be written by every user of this machine`,
    {
      advice: `Take that away, chmod o-w ${path}, or name another with --state-dir.`,
    },
  )

/** @throws Fault STATE_DIR_UNUSABLE where another user decides what the state directory is. */
export function refuse(path: string, unsafe: Unsafe | undefined): void {
  if (!unsafe) return
  const message = `the state directory ${path} cannot be used: ${unsafe.path} ${unsafe.says}`
  throw new Fault('STATE_DIR_UNUSABLE', message, {
    advice: `${unsafe.advice}; or name another with --state-dir.`,
  })
}

/** Closed when the work is done, also where that takes time. */
function holding<T>(fd: number, work: (held: string) => T): T {
  const close = () => closeSync(fd)
  let result: T
  try {
    result = work(`/proc/self/fd/${fd}`)
  } catch (error) {
    close()
    throw error
  }
  if (result instanceof Promise) return result.finally(close) as T
  close()
  return result
}
