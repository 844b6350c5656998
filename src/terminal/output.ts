/**
 * Standard output and standard error without blocking: what has no room in a pipe or terminal is written later, so that a
 * reader that stops reading does not stop the work. Node's own streams block at a terminal and are slow to load; they are
 * used only for what cannot be opened again.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs'
import type { Output } from '../processContext.ts'

/** The part of process.stdout that is used. */
export interface Stream {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly writableLength: number
  readonly write: (text: string | Uint8Array, written?: () => void) => unknown
  readonly on: (event: 'error', listener: (error: NodeJS.ErrnoException) => void) => unknown
}

export interface OutputOptions {
  readonly fd: number
  readonly stream: () => Stream
  readonly env: Readonly<Record<string, string | undefined>>
  /** Called when output is lost, except on EPIPE. */
  readonly onLost: () => void
}

export interface OpenOutput extends Output {
  /** Resolves when all is written, when the reader has gone, or when the signal is aborted. */
  readonly flush: (signal: AbortSignal) => Promise<void>
}

type OnError = (error: NodeJS.ErrnoException) => void

/** Accepts each text at once and writes them in order. */
interface Writer {
  readonly write: (text: string) => void
  /** Bytes not yet written. */
  readonly waiting: () => number
  /** Resolves when nothing waits. */
  readonly written: () => Promise<void>
}

/** More than this many bytes are not kept for a slow reader: what follows is lost. */
const MOST_WAITING = 1 << 24

export function openOutput({ fd, stream, env, onLost }: OutputOptions): OpenOutput {
  const onError: OnError = ({ code }) => {
    if (code !== 'EPIPE') onLost()
  }
  const { dev, ino, kind } = kindOf(fd)
  const tty = kind === 'device' ? stream() : undefined
  const terminal = tty?.isTTY === true
  let writer: Writer | undefined
  return {
    write: text => {
      writer ??= writerFor({ fd, stream, kind }, onError)
      if (writer.waiting() > MOST_WAITING) onLost()
      else writer.write(text)
    },
    flush: async signal => {
      if (!writer?.waiting() || signal.aborted) return
      const over = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
      await Promise.race([writer.written(), over])
    },
    isTerminal: terminal,
    // a client's hook inherits the variable, but its pipe has another inode than the journal's socket
    isJournal: env.JOURNAL_STREAM === `${dev}:${ino}`,
    colours: terminal && !env.NO_COLOR && env.TERM !== 'dumb',
    columns: (terminal && tty.columns) || 80,
  }
}

/** The major number of /dev/null and similar devices, which are no terminals. */
const MEMORY_DEVICES = 1n

const KINDS: ReadonlyMap<bigint, 'pipe' | 'socket' | 'device'> = new Map([
  [0o010000n, 'pipe'],
  [0o140000n, 'socket'],
  [0o020000n, 'device'],
])

function kindOf(fd: number) {
  const { dev, ino, rdev, mode } = fstatSync(fd, { bigint: true })
  const kind = KINDS.get(mode & 0o170000n)
  return { dev, ino, kind: kind === 'device' && rdev >> 8n === MEMORY_DEVICES ? undefined : kind }
}

interface Target extends Pick<OutputOptions, 'fd' | 'stream'> {
  readonly kind: ReturnType<typeof kindOf>['kind']
}

function writerFor({ fd, stream, kind }: Target, onError: OnError): Writer {
  // a file never blocks
  if (!kind) return byDescriptor(fd, onError)
  const own = kind === 'socket' ? undefined : unblocked(fd)
  return own === undefined ? byStream(stream(), onError) : byDescriptor(own, onError)
}

/**
 * Opens the same pipe or terminal again as non-blocking: that flag on the inherited descriptor would affect every process
 * that shares it. Fails for a socket and for another user's pipe.
 */
function unblocked(fd: number): number | undefined {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants
  try {
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
  } catch {
    return undefined
  }
}

/** Milliseconds between two tries while there is no room: doubled each time. */
const [SHORTEST, LONGEST] = [2, 100] as const

function byDescriptor(fd: number, onError: OnError): Writer {
  let rest: Uint8Array = new Uint8Array()
  let queue: Uint8Array[] = []
  let waiting = 0
  let pause: number = SHORTEST
  let emptied: PromiseWithResolvers<void> | undefined

  const writeWaiting = () => {
    while (waiting) {
      if (!rest.length) {
        rest = Buffer.concat(queue)
        queue = []
      }
      const count = writeSync(fd, rest)
      rest = rest.subarray(count)
      waiting -= count
      pause = SHORTEST
    }
  }
  const advance = () => {
    try {
      writeWaiting()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
        setTimeout(advance, pause)
        pause = Math.min(2 * pause, LONGEST)
        return
      }
      rest = new Uint8Array()
      queue = []
      waiting = 0
      onError(error as NodeJS.ErrnoException)
    }
    emptied?.resolve()
  }
  return {
    write: text => {
      const bytes = Buffer.from(text)
      queue.push(bytes)
      waiting += bytes.length
      if (waiting === bytes.length) advance()
    },
    waiting: () => waiting,
    written: () => {
      emptied ??= Promise.withResolvers()
      return emptied.promise
    },
  }
}

function byStream(stream: Stream, onError: OnError): Writer {
  stream.on('error', onError)
  return {
    write: text => void stream.write(text),
    waiting: () => stream.writableLength,
    written: () => new Promise(resolve => stream.write('', resolve)),
  }
}
