/** The lines of this machine's crontabs, as far as this user may read them. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { CronLine } from '../core/carriers.ts'
import { readTextFile } from './fileText.ts'

const FILES = ['/etc/crontab', '/etc/anacrontab']
const FOLDERS: readonly string[] = [
  '/etc/cron.d',
  '/etc/cron.hourly',
  '/etc/cron.daily',
  '/etc/periodic/daily',
  '/var/spool/cron/crontabs',
  '/var/spool/cron',
]

export async function cronLines(folders = FOLDERS): Promise<readonly CronLine[]> {
  const inFolders = folders.map(async folder =>
    (await readdir(folder).catch(() => [])).map(name => join(folder, name)),
  )
  const files = [...FILES, ...(await Promise.all(inFolders)).flat()]
  const lines = files.map(async file => {
    const { uid } = await stat(file).catch(() => ({ uid: -1 }))
    const { text } = await readTextFile(file).catch(() => ({ text: '' }))
    return text.split('\n').map(line => ({ file, uid, text: line }))
  })
  return (await Promise.all(lines)).flat()
}
