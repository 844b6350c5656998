/** Reads a file of the state directory, where others may have put anything. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/** In bytes. A receipt of a certificate with a thousand names has 40,000; what is larger was not written here. */
const LARGEST = 16 << 20

/**
 * The text of a regular file, undefined where there is nothing, '' where there is anything else or too much. O_NOFOLLOW: a link
 * planted here is damage, not a file.
 */
export function contentOf(path: string): string | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stat = fstatSync(file)
      return stat.isFile() && stat.size <= LARGEST ? readFileSync(file, 'utf8') : ''
    } finally {
      closeSync(file)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP' || code === 'ENXIO') return ''
    throw error
  }
}
