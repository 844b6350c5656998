/** The lines of this machine's crontabs, as far as this user may read them. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readText } from './fileText.ts'

const FILES = ['/etc/crontab', '/etc/anacrontab']
const FOLDERS: readonly string[] = [
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

export async function cronLines(folders = FOLDERS): Promise<readonly CronLine[]> {
  const inFolders = folders.map(async folder =>
    (await readdir(folder).catch(() => [])).map(name => join(folder, name)),
  )
  const files = [...FILES, ...(await Promise.all(inFolders)).flat()]
  const lines = files.map(async file => {
    const { text } = await readText(file).catch(() => ({ text: '' }))
    return text.split('\n').map(line => ({ file, text: line }))
  })
  return (await Promise.all(lines)).flat()
}
