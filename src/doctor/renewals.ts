/** What uploads renewals on this machine (daemon, timer, cron, hooks), and whether the daemon sees the sources. */
import { lstatSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type CronLine, isRunFor } from '../acme/crontab.ts'
import type { Source } from '../config/settings.ts'
import type { User } from '../files/permissions.ts'
import { followPath } from '../files/safePath.ts'
import { isPaused } from '../receipts/pause.ts'
import { SERVICE, TIMER, type Unit } from '../systemd/systemctl.ts'
import { type Daemons, daemonFinding, findDaemons } from './daemon.ts'
import { type Finding, ok, warning } from './finding.ts'
import { hooksOf } from './hooks.ts'
import type { CheckContext } from './run.ts'

export interface Automation extends Daemons {
  /** Crontabs with a line that runs `certferry sync`. */
  readonly crontabs: readonly string[]
}

/** Whether cron runs `certferry sync` by this line, as this user or as root. */
export const runsSync = (line: CronLine, user: User): boolean =>
  /^[^#]*\bcertferry\b[^#]*\bsync\b/.test(line.text) && isRunFor(line, user)

/** `kinds`: each source's kind, and whether a hook of its client calls certferry. */
export function renewalFinding(
  { units, pids, crontabs }: Automation,
  kinds: ReadonlyMap<string, boolean>,
  isPaused = false,
): Finding {
  const daemon = isRunning(units?.service) ? SERVICE : pids.length ? 'the daemon' : []
  const steady = [daemon, isRunning(units?.timer) ? TIMER : [], crontabs].flat()
  const hooks = [...kinds].filter(([, hook]) => hook).map(([kind]) => `${kind}'s hook`)
  const without = [...kinds].filter(([, hook]) => !hook).map(([kind]) => kind)
  if (daemon.length && isPaused)
    return warning('renewals', `not uploaded now: ${daemon} has paused`, {
      advice: 'Uploads continue when the problem above is corrected.',
    })
  if (steady.length) return ok('renewals', `uploaded by ${[...steady, ...hooks].join(', ')}`)
  if (!hooks.length || without.length) {
    const which = hooks.length ? `renewals of ${without.join(', ')}` : 'renewals'
    const says = `${which} are not uploaded automatically: no service, timer, cron job or hook found`
    return warning('renewals', says, { command: 'sudo certferry setup' })
  }
  return warning(
    'renewals',
    `uploaded by ${hooks.join(', ')} only, which is not called again after a failure`,
    {
      advice: 'Add a timer or cron job, which retries:',
      command: units?.timer.installed
        ? `sudo systemctl enable --now ${TIMER}`
        : "echo '17 */12 * * * root certferry sync --quiet' | sudo tee /etc/cron.d/certferry",
    },
  )
}

const isRunning = (unit: Unit | undefined) =>
  unit?.active === 'active' || (unit?.active === 'activating' && unit.sub !== 'auto-restart')

export async function renewals(check: CheckContext): Promise<readonly Finding[]> {
  const { sources } = check
  const [hooks, automation] = [await hooksOf(check), await automationOf(check)]
  const kinds = new Map<string, boolean>(sources.map(({ kind }) => [kind, false]))
  for (const { kind, calls } of hooks) kinds.set(kind, calls || kinds.get(kind) === true)
  const servicePid = automation.units?.service.pid ?? 0
  // the service's process belongs to another user: only systemd names it
  const daemons = servicePid > 0 ? [servicePid] : automation.pids
  const recorded = await check.app.receipts.pause().catch(() => undefined)
  const pause = recorded && isPaused(recorded, new Date(check.context.now())) ? recorded : undefined
  return [
    ...hooks.map(({ finding }) => finding),
    daemonFinding(automation, pause),
    ...daemons.flatMap(pid =>
      unseenPaths(pid, sources).map(path => unseenFinding(path, { pid, isService: pid === servicePid })),
    ),
    ...(kinds.size ? [renewalFinding(automation, kinds, pause !== undefined)] : []),
  ]
}

async function automationOf({ context, machine }: CheckContext): Promise<Automation> {
  const user = machine.user()
  const lines = (await machine.cronLines()).filter(line => runsSync(line, user))
  return {
    ...(await findDaemons(machine, context.program)),
    crontabs: [...new Set(lines.map(({ file }) => file))],
  }
}

/** Whether a process with this root has what this user has at a path. It may still see a folder that was replaced. */
function isSeen(root: string, path: string): boolean {
  // each link is a step, because the kernel would follow an absolute one from our own root
  const { steps, ended } = followPath(path)
  if (ended) return true
  const entries = steps.map(step => lstatSync(root + step.path, { throwIfNoEntry: false }))
  const [ours, theirs] = [statSync(path), entries.at(-1)]
  if (entries.includes(undefined)) return false
  return !ours.isDirectory() || (ours.dev === theirs?.dev && ours.ino === theirs.ino)
}

/** Existing paths of sources that a process does not see: a systemd unit has its own mounts. None if its root is unreadable. */
export function unseenPaths(pid: number, sources: readonly Source[], proc = '/proc'): readonly string[] {
  const root = join(proc, String(pid), 'root')
  const paths = sources.flatMap(source =>
    source.kind === 'pem' ? [source.chain, source.key ?? []].flat() : source.path,
  )
  try {
    lstatSync(`${root}/`)
    return paths.filter(path => !isSeen(root, path))
  } catch {
    return []
  }
}

export function unseenFinding(
  path: string,
  daemon: { readonly pid: number; readonly isService: boolean },
): Finding {
  const name = daemon.isService ? SERVICE : `process ${daemon.pid}`
  const says = `${name} does not see ${path}: it was made or replaced after the start, or is hidden from it`
  if (!daemon.isService)
    return warning('daemon', says, { advice: 'Restart the daemon where it can see this path.' })
  return warning('daemon', says, {
    advice:
      'If a restart does not help, open it with BindReadOnlyPaths= (docs/operating.md, "Other places").',
    command: `sudo systemctl restart ${SERVICE}`,
  })
}
