/** Who carries renewals on this machine: the daemon, a timer, cron, hooks; and whose renewals nobody carries. */
import type { CronLine } from '../acme/clientHooks.ts'
import type { Source } from '../config/settings.ts'
import { Fault } from '../errors.ts'
import { QUESTION, SERVICE, TIMER, type Unit, unitsIn } from '../systemd/systemctl.ts'
import { type Finding, failure, ok, warning } from './finding.ts'
import { hooksOf } from './hooks.ts'
import { isRunFor, isTrusted } from './machine.ts'
import type { CheckContext } from './run.ts'
import { unseenFinding, unseenPaths } from './serviceView.ts'

export interface Automation {
  /** Undefined where there is no systemd. */
  readonly units: { readonly service: Unit; readonly timer: Unit } | undefined
  /** Daemons of this user or of root among the processes. */
  readonly pids: readonly number[]
  /** Processes of other users that call themselves daemons. Anybody may start one of that name. */
  readonly others: readonly number[]
  /** Crontabs with a line that runs `certferry sync`. */
  readonly crontabs: readonly string[]
}

/** Whether a command line is that of a daemon: our program, or one of its name, told to `watch`. */
export function isDaemon(
  words: readonly string[],
  program: { readonly node: string; readonly main: string | undefined },
): boolean {
  const at = words.indexOf('watch')
  const starts = words[at - 1]
  if (at < 1 || at > 8 || starts === undefined) return false
  return (
    starts === (program.main ?? program.node) || /(^|\/)certferry(\.c?js|\/dist\/main\.js)?$/.test(starts)
  )
}

/** A line of cron's that runs `certferry sync` as this user or as root. */
export function runsSync(
  { file, uid, text }: CronLine,
  user: { readonly uid: number; readonly name: string },
): boolean {
  return /^[^#]*\bcertferry\b[^#]*\bsync\b/.test(text) && isRunFor({ file, uid, text }, user)
}

export function daemonFinding({ units, pids, others }: Automation): Finding {
  const { service } = units ?? {}
  const log = { command: `journalctl -u ${SERVICE} -n 20 --no-pager` }
  if (service?.active === 'failed' || service?.sub === 'auto-restart')
    return failure('daemon', new Fault('SERVICE_FAILED', `${SERVICE} ${failureText(service)}`), log)
  if (service?.active === 'active' || service?.active === 'activating' || service?.active === 'reloading')
    return ok('daemon', `${SERVICE} is ${service.active}${service.status && `: ${service.status}`}`)
  if (pids.length) return ok('daemon', `running as process ${pids.join(', ')}`)
  if (service?.enabled)
    return warning('daemon', `${SERVICE} is enabled but not running`, {
      command: `sudo systemctl start ${SERVICE}`,
    })
  const none = service?.installed ? `${SERVICE} is installed, not enabled` : 'not running'
  if (!others.length) return ok('daemon', none)
  return ok('daemon', `${none}; processes of other users, not counted: ${others.join(', ')}`)
}

const failureText = ({ active, exit }: Unit) =>
  active === 'failed' ? `has failed with exit ${exit}` : `keeps failing, last with exit ${exit}`

interface Renewals extends Automation {
  /** Each source's kind, and whether a hook of its client calls us. */
  readonly kinds: ReadonlyMap<string, boolean>
}

/** The last line on renewals: a hook alone is called once for each, and not again when it fails. */
export function renewalFinding(renewals: Renewals): Finding {
  const { units, kinds } = renewals
  const steady = continuousAutomation(renewals)
  const hooks = [...kinds].filter(([, hook]) => hook).map(([kind]) => `${kind}'s hook`)
  if (steady.length) return ok('renewals', `uploaded by ${[...steady, ...hooks].join(', ')}`)
  const without = [...kinds].filter(([, hook]) => !hook).map(([kind]) => kind)
  const who =
    hooks.length && without.length
      ? `renewals of ${without.join(', ')} are not uploaded automatically`
      : 'renewals are not uploaded automatically'
  if (!hooks.length || without.length)
    return warning('renewals', `${who}: no service, timer, cron job or hook found`, {
      command: 'sudo certferry setup',
    })
  return warning(
    'renewals',
    `uploaded by ${hooks.join(', ')} only, which is not called again after a failure`,
    {
      advice: 'Add a timer or cron job, which retries:',
      command: units?.timer.installed
        ? `sudo systemctl enable --now ${TIMER}`
        : "echo '17 */12 * * * root certferry sync --log-level warn' | sudo tee /etc/cron.d/certferry",
    },
  )
}

function continuousAutomation({ units, pids, crontabs }: Automation): readonly string[] {
  const running = (unit: Unit | undefined) =>
    unit?.active === 'active' || (unit?.active === 'activating' && unit.sub !== 'auto-restart')
  const daemon = running(units?.service) ? [SERVICE] : pids.length ? ['the daemon'] : []
  const timer = running(units?.timer) ? [TIMER] : []
  return [...daemon, ...timer, ...crontabs]
}

export async function renewals(scene: CheckContext): Promise<readonly Finding[]> {
  const [hooks, signs] = [await hooksOf(scene), await signsOf(scene)]
  const kinds = new Map<string, boolean>(scene.sources.map(({ kind }) => [kind, false]))
  for (const { kind, calls } of hooks) kinds.set(kind, calls || kinds.get(kind) === true)
  return [
    ...hooks.map(({ finding }) => finding),
    daemonFinding(signs),
    ...unseenFindings(signs, scene.sources),
    ...(kinds.size ? [renewalFinding({ ...signs, kinds })] : []),
  ]
}

/** The service's process belongs to another user, and is known by systemd alone. */
function unseenFindings({ units, pids }: Automation, sources: readonly Source[]): readonly Finding[] {
  const servicePid = units?.service.pid ?? 0
  const daemons = servicePid > 0 ? [servicePid] : pids
  return daemons.flatMap(pid =>
    unseenPaths(pid, sources).map(path => unseenFinding(path, { pid, isService: pid === servicePid })),
  )
}

async function signsOf({ world, machine }: CheckContext): Promise<Automation> {
  const shown = await machine.systemctl(...QUESTION)
  const units = shown?.code === 0 ? unitsIn(shown.stdout) : undefined
  const user = machine.user()
  const daemons = (await machine.processes()).filter(({ words }) => isDaemon(words, world.program))
  const mine = daemons.filter(({ uid }) => isTrusted(uid, user))
  const lines = await machine.cronLines()
  return {
    units: units && { service: units(SERVICE), timer: units(TIMER) },
    pids: mine.map(({ pid }) => pid),
    others: daemons.filter(daemon => !mine.includes(daemon)).map(({ pid }) => pid),
    crontabs: [...new Set(lines.filter(line => runsSync(line, user)).map(({ file }) => file))],
  }
}
