/** Asks systemd, or does what it is told there; and finds daemons where there is no systemd. */
import { type ExecFileOptionsWithStringEncoding, execFile } from 'node:child_process'
import { access, readdir, readFile } from 'node:fs/promises'
import { SYSTEMCTL_TIMEOUT_MS } from '../util/schedule.ts'

export const SERVICE = 'certferry.service'

export const TIMER = 'certferry-sync.timer'

/** What is asked of `systemctl show`. */
export const QUESTION = [
  'show',
  SERVICE,
  TIMER,
  '--property=Id,LoadState,ActiveState,SubState,UnitFileState,StatusText,Result,ExecMainStatus,MainPID',
] as const

export interface Unit {
  /** Its file is there. */
  readonly installed: boolean
  readonly enabled: boolean
  /** active, activating, deactivating, failed, inactive … */
  readonly active: string
  readonly sub: string
  /** What the daemon says of itself. */
  readonly status: string
  readonly exit: number
  /** Of its main process; 0 where it does not run. */
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
    const of = blocks.find(block => block.get('Id') === name)
    if (!of || of.get('LoadState') === 'not-found') return ABSENT
    return {
      installed: true,
      enabled: /^(enabled|enabled-runtime|static|alias)$/.test(of.get('UnitFileState') ?? ''),
      active: of.get('ActiveState') ?? 'inactive',
      sub: of.get('SubState') ?? '',
      status: of.get('StatusText') ?? '',
      exit: Number(of.get('ExecMainStatus') ?? 0),
      pid: Number(of.get('MainPID') ?? 0),
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

/** Undefined where this machine was not started by systemd, or has none of its tools. */
export type Systemctl = (...words: readonly string[]) => Promise<SystemctlReply | undefined>

/** As sd_booted(3) tells. */
const BOOTED = '/run/systemd/system'

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Of another machine, in a test. */
export const systemctlOf =
  (booted: string, path: string): Systemctl =>
  async (...words) => {
    const isBooted = await access(booted).then(
      () => true,
      () => false,
    )
    if (!isBooted) return undefined
    const timeout = words[0] === 'show' ? SYSTEMCTL_TIMEOUT_MS.asking : SYSTEMCTL_TIMEOUT_MS.acting
    return ask(words, { timeout, killSignal: 'SIGKILL', encoding: 'utf8', env: { PATH: path } })
  }

export const systemctl = systemctlOf(BOOTED, PATH)

/** With nothing of our environment: a key of the account may stand there. */
const ask = (words: readonly string[], options: ExecFileOptionsWithStringEncoding) =>
  new Promise<SystemctlReply | undefined>(resolve => {
    const child = execFile('systemctl', [...words], options, (error, stdout, stderr) => {
      if (error && (error as NodeJS.ErrnoException).code === 'ENOENT') resolve(undefined)
      else resolve({ code: child.exitCode ?? 1, stdout, stderr })
    })
  })

export interface Process {
  readonly pid: number
  /** Undefined where the user who started it and the one that it acts as are two, as of sudo. */
  readonly uid: number | undefined
  readonly words: readonly string[]
}

/** The command lines of all processes that this user may see, but for those that are stopped or have ended. */
export async function processes(): Promise<readonly Process[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter(name => /^\d+$/.test(name))
  const read = async (pid: string) => {
    const [line, status] = await Promise.all(
      ['cmdline', 'status'].map(name => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
    )
    const found = { pid: Number(pid), uid: uidIn(status ?? ''), words: (line ?? '').split('\0').slice(0, -1) }
    return /^State:\t[TZX]/m.test(status ?? '') ? [] : [found]
  }
  return (await Promise.all(pids.map(read))).flat()
}

/** Not the owner of its folder in /proc: of a program that may not be dumped, as sudo, that is root, whoever started it. */
function uidIn(status: string): number | undefined {
  const uids = new Set(/^Uid:\t(.+)$/m.exec(status)?.[1]?.split('\t'))
  const [uid] = uids
  return uids.size === 1 ? Number(uid) : undefined
}
