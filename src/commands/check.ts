/** `certferry check`, the doctor: examines one thing after another, and each whatever came of the others. */
import { cronLines } from '../acme/crontab.ts'
import { createApp, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { readConfiguration, unreadableConfig } from '../config/load.ts'
import { certificates } from '../doctor/certificates.ts'
import { connection } from '../doctor/connection.ts'
import { configuration, notifications, runtime, state, watching } from '../doctor/environment.ts'
import {
  exitOfFindings,
  type Finding,
  findingLines,
  findingsJson,
  verdictLines,
  warning,
} from '../doctor/finding.ts'
import { renewals } from '../doctor/renewals.ts'
import { type Check, type Machine, runCheck } from '../doctor/run.ts'
import {
  currentUser,
  type InsecurePermissions,
  permissionAdvice,
  permissionText,
} from '../files/permissions.ts'
import type { ProcessContext } from '../processContext.ts'
import { existingDefaultSources, listLineages } from '../sources/discover.ts'
import { processes, systemctl } from '../systemd/systemctl.ts'
import { jsonLine } from '../terminal/text.ts'

const CHECKS: readonly Check[] = [
  { about: 'runtime', run: runtime },
  { about: 'configuration', run: configuration },
  { about: 'source', needs: /^(source|--source)/, run: certificates },
  { about: 'watching', needs: /^(source|--source)/, run: watching },
  { about: 'state', needs: /^(state|CERTFERRY_STATE_DIR|--state-dir)/, run: state },
  { about: 'renewals', needs: /^(source|--source)/, run: renewals },
  { about: 'notify', run: notifications },
  { about: 'answer', needs: /^(tencent|CERTFERRY_ENDPOINT|--endpoint)/, run: connection },
]

export const thisMachine: Machine = { systemctl, processes, cronLines, user: currentUser }

export const run = (world: ProcessContext, line: CommandLine): Promise<number> =>
  check(world, line, thisMachine)

export async function check(world: ProcessContext, line: CommandLine, machine: Machine): Promise<number> {
  const tell = (next: readonly Finding[]) => {
    if (!line.json) world.stdout.write(findingLines(next, world.stdout))
  }
  const found = await examine(world, line, { machine, tell })
  world.stdout.write(line.json ? jsonLine(findingsJson(found)) : verdictLines(found))
  return exitOfFindings(found)
}

export interface Examining {
  readonly machine: Machine
  /** Told each thing's findings as soon as they and all before them are known. */
  readonly tell?: (next: readonly Finding[]) => void
}

export async function examine(
  world: ProcessContext,
  line: CommandLine,
  { machine, tell }: Examining,
): Promise<readonly Finding[]> {
  const configuration = await readConfiguration(world, line).catch(unreadableConfig)
  const { settings, file } = configuration
  const app = createApp({ settings, configFile: file }, { world, line, signal: shutdownSignal(world) })
  try {
    const sources = settings.sources.length ? settings.sources : await existingDefaultSources(world.home)
    const listing = onDemand(() => listLineages(settings, world.home))
    const checked = { context: world, machine, configuration, app, sources, listing }
    const findings: Finding[] = []
    // all at once, for a network that is silent takes its time
    for (const found of CHECKS.map(one => runCheck(one, checked))) {
      const next = await found
      findings.push(...next)
      tell?.(next)
    }
    // last: the files have been read only now
    const exposed = app.exposures.all().map(exposedFinding)
    tell?.(exposed)
    return [...findings, ...exposed]
  } finally {
    await app.close()
  }
}

const exposedFinding = (exposure: InsecurePermissions): Finding =>
  warning(exposure.what, permissionText(exposure), { advice: permissionAdvice(exposure) })

/** Done once, when somebody asks first. */
function onDemand<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined
  return () => {
    done ??= work()
    return done
  }
}
