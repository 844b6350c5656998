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

/** More bytes than this are not kept for a slow reader: what follows is lost. */
const MAX_WAITING = 1 << 24

/** The major number of /dev/null and similar devices, which are no terminals. */
const MEMORY_DEVICES = 1n

export function openOutput({ fd, stream, env, onLost }: OutputOptions): OpenOutput {
  const onError: OnError = ({ code }) => {
    if (code !== 'EPIPE') onLost()
  }
  const file = fstatSync(fd, { bigint: true })
  const isDevice = file.isCharacterDevice() && file.rdev >> 8n !== MEMORY_DEVICES
  const tty = isDevice ? stream() : undefined
  const isTerminal = tty?.isTTY === true
  let writer: Writer | undefined

  function openWriter(): Writer {
    // a file never blocks
    if (!isDevice && !file.isFIFO() && !file.isSocket()) return byDescriptor(fd, onError)
    const own = file.isSocket() ? undefined : reopened(fd)
    return own === undefined ? byStream(stream(), onError) : byDescriptor(own, onError)
  }

  return {
    write: text => {
      writer ??= openWriter()
      if (writer.waiting() > MAX_WAITING) onLost()
      else writer.write(text)
    },
    flush: async signal => {
      if (!writer?.waiting() || signal.aborted) return
      const aborted = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
      await Promise.race([writer.written(), aborted])
    },
    isTerminal,
    // a client's hook inherits the variable, but its pipe has another inode than the journal's socket
    isJournal: env.JOURNAL_STREAM === `${file.dev}:${file.ino}`,
    colours: isTerminal && !env.NO_COLOR && env.TERM !== 'dumb',
    columns: (isTerminal && tty.columns) || 80,
  }
}

/**
 * Opens the same pipe or terminal again as non-blocking: that flag on the inherited descriptor would affect every process
 * that shares it. Fails for a socket and for another user's pipe.
 */
function reopened(fd: number): number | undefined {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants
  try {
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
  } catch {
    return undefined
  }
}

/** Milliseconds between two attempts while there is no room: doubled each time. */
const RETRY_MS = { first: 2, longest: 100 } as const

function byDescriptor(fd: number, onError: OnError): Writer {
  let rest: Uint8Array = new Uint8Array()
  let queue: Uint8Array[] = []
  let waiting = 0
  let pause: number = RETRY_MS.first
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
      pause = RETRY_MS.first
    }
  }
  const advance = () => {
    try {
      writeWaiting()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
        setTimeout(advance, pause)
        pause = Math.min(2 * pause, RETRY_MS.longest)
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
