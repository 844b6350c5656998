/** Reads a file of the state directory, where others may have put anything. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** In bytes. A receipt of a certificate with a thousand names has 40,000; what is larger was not written here. */
const LARGEST = 16 << 20

/** Room for a receipt: what ends within it need not be asked for its size. */
const room = Buffer.allocUnsafe(65_536)

/**
 * The text of a regular file, undefined where there is nothing, '' where there is anything else or too much. O_NOFOLLOW: a link
 * planted here is damage, not a file.
 */
export function contentOf(path: string): string | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const read = readSync(file, room, 0, room.length, 0)
      if (read < room.length) return room.toString('utf8', 0, read)
      const stat = fstatSync(file)
      return stat.isFile() && stat.size <= LARGEST ? wholeOf(file, stat.size) : ''
    } finally {
      closeSync(file)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    // a pipe has no place to read from, a folder no text
    if (['ELOOP', 'ENXIO', 'ESPIPE', 'EISDIR', 'EAGAIN'].includes(code ?? '')) return ''
    throw error
  }
}

function wholeOf(file: number, size: number): string {
  const bytes = Buffer.allocUnsafe(size)
  return bytes.toString('utf8', 0, readSync(file, bytes, 0, size, 0))
}
