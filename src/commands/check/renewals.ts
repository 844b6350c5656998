/** Who carries renewals: hooks of the ACME clients, the daemon, a timer, cron. */
import {
  type Automation,
  daemonFinding,
  isDaemon,
  isTrusted,
  renewalFinding,
  runsSync,
} from '../../core/carriers.ts'
import type { Finding } from '../../core/finding.ts'
import { QUESTION, SERVICE, TIMER, unitsIn } from '../../core/units.ts'
import { hooksOf } from './hooks.ts'
import type { CheckContext } from './scene.ts'

export async function renewals(scene: CheckContext): Promise<readonly Finding[]> {
  const [hooks, signs] = [await hooksOf(scene), await signsOf(scene)]
  const kinds = new Map<string, boolean>(scene.sources.map(({ kind }) => [kind, false]))
  for (const { kind, calls } of hooks) kinds.set(kind, calls || kinds.get(kind) === true)
  return [
    ...hooks.map(({ finding }) => finding),
    daemonFinding(signs),
    ...(kinds.size ? [renewalFinding({ ...signs, kinds })] : []),
  ]
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
