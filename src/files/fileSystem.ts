/** What a path leads to, and which file systems report changes. */
import { lstatSync, realpathSync, statfsSync, statSync } from 'node:fs'
import { readFile, statfs } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

interface Mount {
  readonly place: string
  /** Unlike that of any other mount that is there at the same time. */
  readonly id: string
}

/** What is mounted on or in one of these folders. */
export async function mountsIn(folders: readonly string[]): Promise<readonly Mount[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  return table.split('\n').flatMap(line => {
    const [id = '', , device = '', , written = ''] = line.split(' ')
    const place = written.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))
    const isIn = folders.some(folder => place === folder || place.startsWith(`${folder.replace(/\/$/, '')}/`))
    return isIn ? [{ place, id: `${id} ${device}` }] : []
  })
}

/**
 * Magic numbers of statfs(2), from Linux' magic.h and coreutils' stat.c, whose changes may be made where inotify on this
 * machine does not see them: by another machine, by the host of a virtual one, or in another layer.
 */
const WITHOUT_EVENTS: Readonly<Record<number, string>> = {
  26985: 'NFS',
  4283649346: 'CIFS',
  4266872130: 'SMB',
  20859: 'SMB',
  1702057286: 'FUSE',
  16914839: '9P',
  2035054128: 'overlay',
  12805120: 'CephFS',
  198183888: 'Lustre',
  1397113167: 'AFS',
  1799439955: 'AFS',
  1937076805: 'Coda',
  22092: 'NCP',
  1952539503: 'OCFS2',
  18225520: 'GFS2',
  1196443219: 'GPFS',
  428016422: 'BeeGFS',
  2866260714: 'PanFS',
  1633904243: 'ACFS',
  3203391149: 'StorNext',
  2020557398: 'vboxsf',
  3133910204: 'vmhgfs',
  2088527475: 'prl_fs',
}

export const silentName = (type: number): string | undefined => WITHOUT_EVENTS[type]

/** The name of a file system that must be polled, or undefined where events can be relied on. */
export const fileSystemWithoutEvents = (path: string): Promise<string | undefined> =>
  statfs(path).then(
    ({ type }) => silentName(type),
    () => undefined,
  )

/** Whether another machine sets the file's times: if its clock is behind ours, a new file looks old. */
export function isTimedElsewhere(path: string): boolean {
  try {
    const name = silentName(statfsSync(path).type)
    return name !== undefined && name !== 'overlay'
  } catch {
    return false
  }
}

/** The first such name in these folders: other file systems may be mounted in them. */
export async function silentAmong(folders: readonly string[]): Promise<string | undefined> {
  const places = [...folders, ...(await mountsIn(folders)).map(({ place }) => place)]
  return (await Promise.all(places.map(fileSystemWithoutEvents))).find(Boolean)
}

/** A folder, or a link that leads to one. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  } catch {
    return false
  }
}

/**
 * Whether two paths lead to one place. The file's own folder and name are compared as well as what it leads to: certbot's
 * links lead to another file after each renewal, and may lead nowhere for a moment.
 */
export const isSamePlace = (one: string, other: string): boolean =>
  resolve(one) === resolve(other) || inRealFolder(one) === inRealFolder(other) || real(one) === real(other)

const inRealFolder = (path: string) => join(real(dirname(path)), basename(path))

function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

/** A path that cannot be examined counts as there. */
export function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOTDIR'
  }
}
