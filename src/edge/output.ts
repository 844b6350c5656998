/**
 * Standard output and standard error, written at once. Node's own streams do the same on Linux, and take a sixth of a bare
 * start to load: they are opened only for a terminal, and for a pipe that somebody made non-blocking.
 */
import { fstatSync, writeSync } from 'node:fs'
import type { Output } from '../world.ts'

/** What of process.stdout is needed. */
export interface Stream {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly write: (text: string | Uint8Array) => unknown
  readonly on: (event: 'error', listener: (error: NodeJS.ErrnoException) => void) => unknown
}

export interface OutputOptions {
  readonly fd: number
  readonly stream: () => Stream
  readonly env: Readonly<Record<string, string | undefined>>
  /** What was to be written is lost; not where the reader has gone, who is told of nothing. */
  readonly onLost: () => void
}

export function openOutput({ fd, stream, env, onLost }: OutputOptions): Output {
  let opened: Stream | undefined
  const lost = ({ code }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') onLost()
  }
  const open = () => {
    if (!opened) {
      opened = stream()
      opened.on('error', lost)
    }
    return opened
  }
  const { dev, ino, isTerminal } = kindOf(fd)
  const terminal = isTerminal && open().isTTY === true
  return {
    write: text => {
      if (opened) return void opened.write(text)
      const rest = written(fd, text, lost)
      if (rest) open().write(rest)
    },
    isTerminal: terminal,
    // systemd names the journal's socket; a pipe of the ACME client's has another inode, though it inherits the name
    isJournal: env.JOURNAL_STREAM === `${dev}:${ino}`,
    colours: terminal && !env.NO_COLOR && env.TERM !== 'dumb',
    columns: (terminal && opened?.columns) || 80,
  }
}

/** The major number of /dev/null and its like, which are no terminals. */
const MEMORY = 1n

function kindOf(fd: number) {
  const { dev, ino, rdev, mode } = fstatSync(fd, { bigint: true })
  const isDevice = (mode & 0o170000n) === 0o020000n
  return { dev, ino, isTerminal: isDevice && rdev >> 8n !== MEMORY }
}

/** What could not be written at once, where a reader is slow and nobody may wait for it. */
function written(
  fd: number,
  text: string,
  onError: (error: NodeJS.ErrnoException) => void,
): Uint8Array | undefined {
  let rest: Uint8Array = Buffer.from(text)
  try {
    while (rest.length) rest = rest.subarray(writeSync(fd, rest))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return rest
    onError(error as NodeJS.ErrnoException)
  }
  return undefined
}
