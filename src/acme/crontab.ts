/** The cron lines of this machine that this user may read. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { User } from '../files/permissions.ts'
import { readTextFile } from '../files/readFile.ts'

export interface CronLine {
  readonly file: string
  /** The owner of the file. */
  readonly uid: number
  readonly text: string
}

/** Processes and crontabs of other users are not trusted: any user may call a program certferry. */
export const isTrusted = (uid: number | undefined, user: Pick<User, 'uid'>): boolean =>
  uid === 0 || uid === user.uid

/** In these each line names the user that it is run as. */
const NAMES_USERS = /^\/etc\/(crontab$|cron\.d\/)/

/** Whether cron runs a line as this user or as root. */
export function isRunFor({ file, uid, text }: CronLine, user: User): boolean {
  if (!isTrusted(uid, user)) return false
  if (!NAMES_USERS.test(file)) return true
  const runner = /^\s*(?:@\w+|(?:\S+\s+){4}\S+)\s+(\S+)/.exec(text)?.[1]
  return runner === 'root' || runner === user.name
}

const FILES = ['/etc/crontab', '/etc/anacrontab']

const FOLDERS: readonly string[] = [
  '/etc/cron.d',
  '/etc/cron.hourly',
  '/etc/cron.daily',
  '/etc/periodic/daily',
  '/var/spool/cron/crontabs',
  '/var/spool/cron',
]

/** A file that cannot be read, or is not a regular one, has no lines. */
export async function cronLines(folders = FOLDERS): Promise<readonly CronLine[]> {
  const found = folders.map(async folder =>
    (await readdir(folder).catch(() => [])).map(name => join(folder, name)),
  )
  const files = [...FILES, ...(await Promise.all(found)).flat()]
  return (await Promise.all(files.map(linesOf))).flat()
}

async function linesOf(file: string): Promise<readonly CronLine[]> {
  try {
    const { uid } = await stat(file)
    const { text } = await readTextFile(file)
    return text.split('\n').map(line => ({ file, uid, text: line }))
  } catch {
    return []
  }
}
