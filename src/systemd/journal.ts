/** Writes lines to systemd's journal for a process whose output goes elsewhere, as a hook's goes to its ACME client. */
import { existsSync } from 'node:fs'
import { JOURNAL_TIMEOUT_MS } from '../util/schedule.ts'

/** `lines` begin with their priorities. Never rejects, and takes bounded time: the client's log has the same. */
export type WriteJournal = (lines: string) => Promise<void>

/** Its identifier, as that of the service: `journalctl -t certferry` shows both. */
const IDENTIFIER = 'certferry'

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Node has no datagram sockets, which the journal takes; systemd-cat comes with it. */
export const journalAt =
  (socket: string, path: string): WriteJournal =>
  async lines => {
    if (!lines || !existsSync(socket)) return
    const { execFile } = await import('node:child_process')
    // the environment of certferry may hold a key of the account
    const options = { env: { PATH: path }, timeout: JOURNAL_TIMEOUT_MS, killSignal: 'SIGKILL' } as const
    await new Promise<void>(resolve => {
      const words = ['-t', IDENTIFIER, '--level-prefix=true']
      const child = execFile('systemd-cat', words, options, () => resolve())
      // it may be missing, or end before it has read
      child.stdin?.on('error', () => {})
      child.stdin?.end(lines)
    })
  }

export const writeJournal = journalAt('/run/systemd/journal/socket', PATH)
