/** Binds a server to loopback or a Unix socket, and clears away the socket of a process that was killed. */
import { existsSync } from 'node:fs'
import { chmod, lstat, rm, stat } from 'node:fs/promises'
import { connect, type Server as ListeningServer } from 'node:net'
import { dirname } from 'node:path'
import type { ListenAddress } from '../core/listen.ts'

export async function bindListener(server: ListeningServer, address: ListenAddress): Promise<void> {
  if (!('path' in address)) return listening(server, address)
  await stat(dirname(address.path)) // libuv calls a missing directory EACCES
  await listening(server, address).catch(async error => {
    if (error.code !== 'EADDRINUSE') throw error
    if (!(await lstat(address.path)).isSocket()) throw Object.assign(error, { code: 'ENOTSOCK' })
    if (!(await isStale(address.path))) throw error
    await rm(address.path)
    await listening(server, address)
  })
  await chmod(address.path, 0o660)
}

const listening = (server: ListeningServer, address: ListenAddress) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, () => {
      server.off('error', reject)
      resolve()
    })
  })

/** A socket on which no process listens any more: its process was killed. */
const isStale = (path: string) =>
  new Promise<boolean>(resolve => {
    const caller = connect(path)
    caller.once('connect', () => resolve(false)).once('connect', () => caller.destroy())
    caller.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'))
  })

export interface Keeping {
  /** Milliseconds. */
  readonly every: number
  readonly onReturn: () => void
  readonly onError: (error: unknown) => void
}

/**
 * Binds a Unix socket again whose file has been removed: the server hears nothing of it, and no caller finds it. A file that
 * is there is left alone, whosever it is. What stands in the way is told once.
 */
export function keepBound(
  server: ListeningServer,
  address: ListenAddress,
  { every, onReturn, onError }: Keeping,
) {
  if (!('path' in address)) return { stop: () => {} }
  const { path } = address
  let looking = false
  let told = false
  let stopped = false
  const look = async () => {
    if (looking || existsSync(path)) return
    looking = true
    try {
      // not waited for: the connections it has are answered all the same
      if (server.listening) server.close()
      await bindListener(server, address)
      told = false
      if (stopped) server.close()
      else onReturn()
    } catch (error) {
      if (!told) onError(error)
      told = true
    }
    looking = false
  }
  const timer = setInterval(() => void look(), every).unref()
  return {
    stop: () => {
      stopped = true
      clearInterval(timer)
    },
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'in use',
  EACCES: 'not permitted',
  ENOENT: 'its directory is not there',
  EADDRNOTAVAIL: 'not an address of this machine, or not yet',
  EAFNOSUPPORT: 'this machine has no IPv6',
  ENOTSOCK: 'a file that is no socket is there',
}

/** These stay until the configuration, or what this user may do, is changed. All else may pass. */
const LASTING: ReadonlySet<string | undefined> = new Set([
  'EACCES',
  'EPERM',
  'EAFNOSUPPORT',
  'EINVAL',
  'ENAMETOOLONG',
  'ENOTDIR',
  'ENOTSOCK',
  'ELOOP',
  'EROFS',
])

export const isLasting = ({ code }: NodeJS.ErrnoException): boolean => LASTING.has(code)

/** Why it could not be bound, in words. */
export const reasonOf = ({ code = 'failed' }: NodeJS.ErrnoException) => REASONS[code] ?? code

/** The address in words, with the port that was found for port 0. */
export function addressOf(server: ListeningServer, listen: string): string {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return listen
  return `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
}
