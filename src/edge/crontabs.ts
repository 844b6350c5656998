/** The lines of this machine's crontabs, as far as this user may read them. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const FILES = ['/etc/crontab', '/etc/anacrontab']
const FOLDERS = [
  '/etc/cron.d',
  '/etc/cron.hourly',
  '/etc/cron.daily',
  '/etc/periodic/daily',
  '/var/spool/cron/crontabs',
  '/var/spool/cron',
]

export interface CronLine {
  readonly file: string
  readonly text: string
}

export async function cronLines(): Promise<readonly CronLine[]> {
  const inFolders = FOLDERS.map(async folder =>
    (await readdir(folder).catch(() => [])).map(name => join(folder, name)),
  )
  const files = [...FILES, ...(await Promise.all(inFolders)).flat()]
  const lines = files.map(async file => {
    const text = await readFile(file, 'utf8').catch(() => '')
    return text.split('\n').map(line => ({ file, text: line }))
  })
  return (await Promise.all(lines)).flat()
}
