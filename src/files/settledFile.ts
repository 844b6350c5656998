/** Reads a file that people and their tools replace as they like: once it has been left alone for a second. */
import { readlinkSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Fault } from '../errors.ts'
import { isTimedElsewhere } from './fileSystem.ts'
import { BETWEEN_READS_MS, type FileContents, RECENT_MS, type Waiting } from './readFile.ts'

/** As long as this without a change is as good as a second by the file's own times, which another machine may have given. */
const STILL = RECENT_MS / BETWEEN_READS_MS

/** Looks at a file that somebody goes on writing: five seconds' worth. */
const LOOKS = 50

/** More than the kernel follows. */
const MOST_LINKS = 41

/** What a look finds: a text, or nothing yet. */
interface Look {
  /** When it began: a process that is stopped after it has read would else find that it read something old. */
  readonly at: number
  readonly read?: FileContents
  readonly missing?: Fault
  /** Milliseconds since 1970. */
  readonly changedAt: number
}

/**
 * An editor empties a file before it writes it, a shell writes it line by line, `mv` from another disk and a swapped link
 * leave a moment without any: each of these states would be taken for what somebody wanted. `read` is what reads it.
 * @throws what `read` throws, FILE_MISSING only of what stays so; FILE_UNAVAILABLE where it changes all the time.
 */
export async function readSettled(
  path: string,
  { now, wait, timedElsewhere = isTimedElsewhere }: Waiting,
  read: () => Promise<FileContents>,
): Promise<FileContents> {
  const look = () => lookAt(path, read, now().getTime())
  const isFresh = ({ at, changedAt }: Look) =>
    at - changedAt < RECENT_MS || timedElsewhere(path) || timedElsewhere(dirname(path))
  let found = await look()
  for (let looks = 0, same = 0; isFresh(found) && same < STILL; looks++) {
    if (looks === LOOKS)
      throw new Fault('FILE_UNAVAILABLE', `${path}: changes all the time`, {
        advice: 'It is read again later. See what writes it without end.',
      })
    await wait(BETWEEN_READS_MS)
    const next = await look()
    same = isSame(found, next) ? same + 1 : 0
    found = next
  }
  if (found.read) return found.read
  throw found.missing
}

const isSame = (a: Look, b: Look) => a.read?.text === b.read?.text && a.changedAt === b.changedAt

async function lookAt(path: string, read: () => Promise<FileContents>, at: number): Promise<Look> {
  try {
    const found = await read()
    return { at, read: found, changedAt: found.writtenAt }
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'FILE_MISSING') throw error
    return { at, missing: error, changedAt: wayChangedAt(path) }
  }
}

/** When something last came or went where the file should be, or where a link to it leads. */
function wayChangedAt(path: string): number {
  let changedAt = 0
  let next: string | undefined = path
  for (let links = 0; next !== undefined && links < MOST_LINKS; links++) {
    const here: string = next
    changedAt = Math.max(changedAt, folderChangedAt(dirname(here)))
    next = targetOf(here)
  }
  return changedAt
}

function targetOf(path: string): string | undefined {
  try {
    return resolve(dirname(path), readlinkSync(path))
  } catch {
    return undefined
  }
}

/** Of the folder, or of the nearest above it that is there: whole folders are swapped too. */
function folderChangedAt(folder: string): number {
  const found = statOf(folder)
  if (found) return Math.max(found.mtimeMs, found.ctimeMs)
  return folder === dirname(folder) ? 0 : folderChangedAt(dirname(folder))
}

function statOf(path: string) {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}
