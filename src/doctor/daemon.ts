/** The daemon on this machine: as systemd knows it, else as a process. */
import { isTrusted } from '../acme/crontab.ts'
import { Fault } from '../errors.ts'
import type { Pause } from '../receipts/pause.ts'
import { type Process, QUESTION, SERVICE, TIMER, type Unit, unitsIn } from '../systemd/systemctl.ts'
import { minuteText } from '../terminal/text.ts'
import { type Finding, failure, ok, skipped, warning } from './finding.ts'
import type { Machine } from './run.ts'

export interface Daemons {
  /** Undefined without systemd. */
  readonly units: { readonly service: Unit; readonly timer: Unit } | undefined
  /** Daemons of this user or of root. */
  readonly pids: readonly number[]
  /** Processes of other users that look like daemons. */
  readonly others: readonly number[]
}

interface Program {
  readonly node: string
  readonly main: string | undefined
}

/** Whether a process runs `watch` with this program or one called certferry: anything may have such words behind its name. */
export function isDaemon(
  { words, executable }: Pick<Process, 'words' | 'executable'>,
  program: Program,
): boolean {
  const at = words.indexOf('watch')
  const starts = words[at - 1]
  if (starts === undefined) return false
  // Node's own options, but none whose value is code
  const options = words.slice(1, Math.max(1, at - 1))
  if (!options.every(word => word.startsWith('-') && !/^(-[ep]|--eval|--print)/.test(word))) return false
  // one that was replaced by an update is called "… (deleted)"
  if (executable !== undefined && executable !== program.node && !/\/(node|certferry)[^/]*$/.test(executable))
    return false
  return (
    starts === (program.main ?? program.node) || /(^|\/)certferry(\.c?js|\/dist\/main\.js)?$/.test(starts)
  )
}

export async function findDaemons(
  machine: Pick<Machine, 'systemctl' | 'processes' | 'user'>,
  program: Program,
): Promise<Daemons> {
  const user = machine.user()
  const shown = await machine.systemctl(...QUESTION)
  const unit = shown?.code === 0 ? unitsIn(shown.stdout) : undefined
  const daemons = (await machine.processes()).filter(one => isDaemon(one, program))
  const { mine = [], others = [] } = Object.groupBy(daemons, ({ uid }) =>
    isTrusted(uid, user) ? 'mine' : 'others',
  )
  return {
    units: unit && { service: unit(SERVICE), timer: unit(TIMER) },
    pids: mine.map(({ pid }) => pid),
    others: others.map(({ pid }) => pid),
  }
}

/** `pause`: what the daemon has recorded, where it is in force. */
export function daemonFinding({ units, pids, others }: Daemons, pause?: Pause): Finding {
  const service = units?.service
  const active = service?.active ?? ''
  if (active === 'failed' || service?.sub === 'auto-restart') {
    const what = active === 'failed' ? 'has failed with' : 'keeps failing, last with'
    return failure('daemon', new Fault('SERVICE_FAILED', `${SERVICE} ${what} exit ${service?.exit}`), {
      command: `journalctl -u ${SERVICE} -n 20 --no-pager`,
    })
  }
  const isRunning = ['active', 'activating', 'reloading'].includes(active)
  if (pause && (isRunning || pids.length)) {
    const who = isRunning ? `${SERVICE} is ${active}` : `running as process ${pids.join(', ')}`
    const says = `${who}, but its uploads are paused until ${minuteText(pause.until)}: ${pause.message}`
    return failure('daemon', new Fault('UPLOADS_PAUSED', says))
  }
  if (isRunning) return ok('daemon', `${SERVICE} is ${active}${service?.status && `: ${service.status}`}`)
  if (pids.length) return ok('daemon', `running as process ${pids.join(', ')}`)
  if (service?.enabled)
    return warning('daemon', `${SERVICE} is enabled but not running`, {
      command: `sudo systemctl start ${SERVICE}`,
    })
  const none = service?.installed ? `${SERVICE} is installed, not enabled` : 'not running'
  const foreign = others.length ? `; processes of other users, not counted: ${others.join(', ')}` : ''
  return skipped('daemon', `${none}${foreign}`)
}
