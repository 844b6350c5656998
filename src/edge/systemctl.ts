/** Asks systemd, or does what it is told there; and finds daemons where there is no systemd. */
import { execFile } from 'node:child_process'
import { access, readdir, readFile } from 'node:fs/promises'

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Undefined where this machine was not started by systemd, or has none of its tools. */
export type Systemctl = (...words: readonly string[]) => Promise<Said | undefined>

/** As sd_booted(3) tells. */
const BOOTED = '/run/systemd/system'

/** A bus that hangs must not hang us; starting a unit takes as long as the unit's own timeout. In milliseconds. */
const PATIENCE = { asking: 5_000, acting: 120_000 }

export const systemctl: Systemctl = async (...words) => {
  const booted = await access(BOOTED).then(
    () => true,
    () => false,
  )
  if (!booted) return undefined
  const timeout = words[0] === 'show' ? PATIENCE.asking : PATIENCE.acting
  return new Promise(resolve => {
    const options = { timeout, killSignal: 'SIGKILL', encoding: 'utf8' } as const
    const child = execFile('systemctl', [...words], options, (error, stdout, stderr) => {
      if (error && (error as NodeJS.ErrnoException).code === 'ENOENT') resolve(undefined)
      else resolve({ code: child.exitCode ?? 1, stdout, stderr })
    })
  })
}

export interface Process {
  readonly pid: number
  readonly words: readonly string[]
}

/** The command lines of all processes that this user may see. */
export async function processes(): Promise<readonly Process[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter(name => /^\d+$/.test(name))
  const read = async (pid: string) => {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    return { pid: Number(pid), words: text.split('\0').slice(0, -1) }
  }
  return Promise.all(pids.map(read))
}
