/** Whether the kernel allows as many watches as the sources need. Pure. */
import { type Finding, ok, warning } from './finding.ts'

interface Amounts {
  readonly watches: number
  readonly instances: number
}

export interface WatchBudget {
  readonly limits: Amounts
  /** By this user's processes, this daemon's among them where it runs as the same user. */
  readonly used: Amounts
}

/** All of the daemon's watches are one instance. */
const INSTANCES = 1

export function budgetFinding(needed: number, { limits, used }: WatchBudget): Finding {
  const words = `${count(needed, 'watch', 'watches')} needed; this user has ${used.watches} of ${limits.watches} in use`
  if (needed + used.watches > limits.watches)
    return warning('watching', `${words}: what is beyond is looked at every five seconds`, {
      command: raising('max_user_watches', needed + used.watches),
    })
  if (INSTANCES + used.instances > limits.instances)
    return warning(
      'watching',
      `all ${limits.instances} inotify instances of this user are in use: sources are looked at every five seconds`,
      { command: raising('max_user_instances', INSTANCES + used.instances) },
    )
  return ok(
    'watching',
    Number.isFinite(limits.watches) ? words : `${count(needed, 'watch', 'watches')} needed`,
  )
}

const count = (number: number, one: string, more: string) => `${number} ${number === 1 ? one : more}`

/** Twice what is needed, as a power of two: the next certificates find room as well. Kept across restarts. */
const raising = (name: string, needed: number) =>
  `echo fs.inotify.${name}=${2 ** Math.ceil(Math.log2(2 * needed))} | sudo tee /etc/sysctl.d/60-certferry.conf && sudo sysctl --system`
