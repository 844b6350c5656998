/** The lines of this machine's crontabs, as far as this user may read them. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { CronLine } from '../acme/clientHooks.ts'
import type { User } from '../files/permissions.ts'
import { readTextFile } from '../files/readFile.ts'
import type { Process, Systemctl } from '../systemd/systemctl.ts'

/** What another user's process or crontab carries is that user's, and may be anything under this name. */
export const isTrusted = (uid: number | undefined, user: { readonly uid: number }): boolean =>
  uid === 0 || uid === user.uid

/** In these each line names the user that it is run as. */
const NAMES_USERS = /^\/etc\/(crontab$|cron\.d\/)/

/** A line of cron's that is run as this user or as root. */
export function isRunFor(
  { file, uid, text }: CronLine,
  user: { readonly uid: number; readonly name: string },
): boolean {
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
  const inFolders = folders.map(async folder =>
    (await readdir(folder).catch(() => [])).map(name => join(folder, name)),
  )
  const files = [...FILES, ...(await Promise.all(inFolders)).flat()]
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

/** What of this machine is asked beyond files. */
export interface Machine {
  readonly systemctl: Systemctl
  readonly processes: () => Promise<readonly Process[]>
  readonly cronLines: () => Promise<readonly CronLine[]>
  readonly user: () => User
}
