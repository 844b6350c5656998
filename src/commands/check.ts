/** `certferry check`, the doctor: examines one thing after another, and each whatever came of the others. */
import { createApp, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { readConfiguration, unreadableConfig } from '../config/load.ts'
import { certificates } from '../doctor/certificates.ts'
import { connection } from '../doctor/connection.ts'
import { configuration, notices, runtime, state } from '../doctor/environment.ts'
import {
  exitOfFindings,
  type Finding,
  findingLines,
  findingsJson,
  verdictLines,
  warning,
} from '../doctor/finding.ts'
import { cronLines, type Machine } from '../doctor/machine.ts'
import { renewals } from '../doctor/renewals.ts'
import { type Check, runCheck } from '../doctor/run.ts'
import { watching } from '../doctor/watching.ts'
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

const EXAMINATIONS: readonly Check[] = [
  { about: 'runtime', look: runtime },
  { about: 'configuration', look: configuration },
  { about: 'source', needs: /^(source|--source)/, look: certificates },
  { about: 'watching', needs: /^(source|--source)/, look: watching },
  { about: 'state', needs: /^(state|CERTFERRY_STATE_DIR|--state-dir)/, look: state },
  { about: 'renewals', needs: /^(source|--source)/, look: renewals },
  { about: 'notify', look: notices },
  { about: 'answer', needs: /^(tencent|CERTFERRY_ENDPOINT|--endpoint)/, look: connection },
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
  const engine = createApp({ settings, configFile: file }, { world, line, signal: shutdownSignal(world) })
  try {
    const sources = settings.sources.length ? settings.sources : await existingDefaultSources(world.home)
    const listing = onDemand(() => listLineages(settings, world.home))
    const scene = { world, machine, configuration, engine, sources, listing }
    const findings: Finding[] = []
    // all at once, for a network that is silent takes its time
    for (const found of EXAMINATIONS.map(one => runCheck(one, scene))) {
      const next = await found
      findings.push(...next)
      tell?.(next)
    }
    // last: the files have been read only now
    const exposed = engine.exposures.all().map(exposedFinding)
    tell?.(exposed)
    return [...findings, ...exposed]
  } finally {
    await engine.close()
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
