/** Runs systemctl, and finds daemons where there is no systemd. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { SYSTEMCTL_TIMEOUT_MS } from '../util/schedule.ts'

export const SERVICE = 'certferry.service'

export const TIMER = 'certferry-sync.timer'

/** The arguments of `systemctl show` whose output unitsIn reads. */
export const QUESTION = [
  'show',
  SERVICE,
  TIMER,
  '--property=Id,LoadState,ActiveState,SubState,UnitFileState,StatusText,Result,ExecMainStatus,MainPID',
] as const

export interface Unit {
  /** The unit file exists. */
  readonly installed: boolean
  readonly enabled: boolean
  /** active, activating, deactivating, failed, inactive … */
  readonly active: string
  readonly sub: string
  /** The daemon's own line of status. */
  readonly status: string
  readonly exit: number
  /** Of the main process; 0 if it does not run. */
  readonly pid: number
}

export const ABSENT: Unit = {
  installed: false,
  enabled: false,
  active: 'inactive',
  sub: 'dead',
  status: '',
  exit: 0,
  pid: 0,
}

/** Units by their names; one that systemd does not know is absent. */
export function unitsIn(shown: string): (name: string) => Unit {
  const blocks = shown.split(/\n{2,}/).map(block => new Map(block.split('\n').map(pairOf)))
  return name => {
    const unit = blocks.find(block => block.get('Id') === name)
    if (!unit || unit.get('LoadState') === 'not-found') return ABSENT
    return {
      installed: true,
      enabled: /^(enabled|enabled-runtime|static|alias)$/.test(unit.get('UnitFileState') ?? ''),
      active: unit.get('ActiveState') ?? 'inactive',
      sub: unit.get('SubState') ?? '',
      status: unit.get('StatusText') ?? '',
      exit: Number(unit.get('ExecMainStatus') ?? 0),
      pid: Number(unit.get('MainPID') ?? 0),
    }
  }
}

const pairOf = (line: string): [string, string] => {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}

interface SystemctlReply {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Undefined if systemd did not start this machine, or systemctl is missing. */
export type Systemctl = (...words: readonly string[]) => Promise<SystemctlReply | undefined>

/** Exists if systemd started the machine: sd_booted(3). */
const BOOTED = '/run/systemd/system'

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export const systemctlOf =
  (booted: string, path: string): Systemctl =>
  async (...words) => {
    if (!existsSync(booted)) return undefined
    const timeout = words[0] === 'show' ? SYSTEMCTL_TIMEOUT_MS.asking : SYSTEMCTL_TIMEOUT_MS.acting
    // the environment of certferry may hold a key of the account
    const options = { timeout, killSignal: 'SIGKILL', env: { PATH: path } } as const
    return new Promise(resolve => {
      const child = execFile('systemctl', [...words], options, (error, stdout, stderr) => {
        if (error?.code === 'ENOENT') resolve(undefined)
        else resolve({ code: child.exitCode ?? 1, stdout, stderr })
      })
    })
  }

export const systemctl = systemctlOf(BOOTED, PATH)

export interface Process {
  readonly pid: number
  /** Undefined if its real and effective user differ, as with sudo. */
  readonly uid: number | undefined
  readonly words: readonly string[]
  /** The file that it executes; undefined if this user may not see it. */
  readonly executable?: string | undefined
}

/** All processes that this user may see, except those that are stopped or have ended. */
export async function processes(): Promise<readonly Process[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter(name => /^\d+$/.test(name))
  const read = async (pid: string) => {
    const [line, status] = await Promise.all(
      ['cmdline', 'status'].map(name => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
    )
    const executable = await readlink(`/proc/${pid}/exe`).catch(() => undefined)
    const words = (line ?? '').split('\0').slice(0, -1)
    const found = { pid: Number(pid), uid: uidIn(status ?? ''), words, executable }
    return /^State:\t[TZX]/m.test(status ?? '') ? [] : [found]
  }
  return (await Promise.all(pids.map(read))).flat()
}

/** Not the owner of its folder in /proc, which is root for every program that may not be dumped, such as sudo. */
function uidIn(status: string): number | undefined {
  const uids = new Set(/^Uid:\t(.+)$/m.exec(status)?.[1]?.split('\t'))
  const [uid] = uids
  return uids.size === 1 ? Number(uid) : undefined
}
