/** What kind of thing lies at a path, and which file systems tell of changes. */
import { statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'

/** Magic numbers of statfs(2) whose changes may be made where inotify on this machine does not see them. */
const SILENT: Readonly<Record<number, string>> = {
  26985: 'NFS',
  4283649346: 'CIFS',
  4266872130: 'SMB',
  20859: 'SMB',
  1702057286: 'FUSE',
  16914839: '9P',
  2035054128: 'overlay',
}

/** The name of a file system that must be polled, or undefined where events can be relied on. */
export const silentFileSystem = (path: string): Promise<string | undefined> =>
  statfs(path).then(
    ({ type }) => SILENT[type],
    () => undefined,
  )

/** A folder, or a link that leads to one. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  } catch {
    return false
  }
}
