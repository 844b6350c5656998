/** Makes a folder and the missing ones above it, in bounded time. */
import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Returns the folders that were made, the uppermost first. Not `mkdir` with `recursive`: Node's turns for ever, and no signal
 * ends it, where a folder is there and the system says ENOENT of one to be made in it, as /proc and /dev/fd do.
 * @throws the system's error; ENOTDIR where something else than a folder is in the way.
 */
export function makeFolders(path: string, mode = 0o777): readonly string[] {
  const missing: string[] = []
  for (let at = resolve(path); !isFolder(at); at = dirname(at)) missing.unshift(at)
  for (const folder of missing) make(folder, mode)
  return missing
}

function make(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode })
  } catch (error) {
    // another process was quicker; what is there and no folder, such as a link that leads nowhere, stays an error
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isFolder(folder)) throw error
  }
}

/** @throws where it cannot be looked at, or is no folder. */
function isFolder(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found || found.isDirectory()) return found !== undefined
  throw Object.assign(new Error(`ENOTDIR: ${path}`), { code: 'ENOTDIR', path })
}
