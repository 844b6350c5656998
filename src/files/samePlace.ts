/** Whether two paths are one place, by what they lead to; and whether a record is that of the place at hand. */
import { lstatSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/**
 * The file's own folder and name are compared as well as what it leads to: certbot's links lead to another file after each
 * renewal, and may lead nowhere for a moment.
 */
export const isSamePlace = (one: string, other: string): boolean =>
  resolve(one) === resolve(other) || inFolder(one) === inFolder(other) || real(one) === real(other)

const inFolder = (path: string) => join(real(dirname(path)), basename(path))

/** Where nothing is, or it cannot be followed, the path stands for itself. */
function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

/** What cannot be looked at counts as there. */
export function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOTDIR'
  }
}
