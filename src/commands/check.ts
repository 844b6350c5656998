/** `certferry check`, the doctor: examines one thing after another, and each whatever came of the others. */
import { type Exposure, exposureAdvice, exposureText } from '../core/exposure.ts'
import { exitOfFindings, type Finding, findingsJson, warning } from '../core/finding.ts'
import { findingLines, verdictLines } from '../core/findingText.ts'
import { jsonLine } from '../core/jsonLine.ts'
import { cronLines } from '../edge/crontabs.ts'
import { processes, systemctl } from '../edge/systemctl.ts'
import { currentUser } from '../edge/user.ts'
import type { World } from '../world.ts'
import { certificates } from './check/certificates.ts'
import { configuration } from './check/configuration.ts'
import { renewals } from './check/renewals.ts'
import { runtime } from './check/runtime.ts'
import { type Examination, examined, type Machine } from './check/scene.ts'
import { state } from './check/state.ts'
import { watching } from './check/watching.ts'
import { way } from './check/way.ts'
import type { CommandLine } from './commandLine.ts'
import { readConfiguration, unknownConfiguration, usualSourcesThere } from './configuration.ts'
import { endOf, engineFor } from './engine.ts'
import { listLineages } from './sources.ts'

const EXAMINATIONS: readonly Examination[] = [
  { about: 'runtime', look: runtime },
  { about: 'configuration', look: configuration },
  { about: 'source', needs: /^(source|--source)/, look: certificates },
  { about: 'watching', needs: /^(source|--source)/, look: watching },
  { about: 'state', needs: /^(state|CERTFERRY_STATE_DIR|--state-dir)/, look: state },
  { about: 'renewals', needs: /^(source|--source)/, look: renewals },
  { about: 'answer', needs: /^(tencent|CERTFERRY_ENDPOINT|--endpoint)/, look: way },
]

export const run = (world: World, line: CommandLine): Promise<number> =>
  check(world, line, { systemctl, processes, cronLines, user: currentUser })

export async function check(world: World, line: CommandLine, machine: Machine): Promise<number> {
  const configuration = await readConfiguration(world, line).catch(unknownConfiguration)
  const { settings, file } = configuration
  const engine = engineFor({ settings, configFile: file }, { world, line, signal: endOf(world) })
  try {
    const sources = settings.sources.length ? settings.sources : await usualSourcesThere(world.home)
    const listing = onDemand(() => listLineages(settings, world.home))
    const scene = { world, machine, configuration, engine, sources, listing }
    const findings: Finding[] = []
    // all at once, for a network that is silent takes its time; told in their order, each as soon as it is known
    for (const found of EXAMINATIONS.map(one => examined(one, scene))) {
      const next = await found
      findings.push(...next)
      if (!line.json) world.stdout.write(findingLines(next, world.stdout))
    }
    // last: the files have been read only now
    const exposed = engine.exposures.all().map(exposedFinding)
    if (!line.json) world.stdout.write(findingLines(exposed, world.stdout))
    findings.push(...exposed)
    world.stdout.write(line.json ? jsonLine(findingsJson(findings)) : verdictLines(findings))
    return exitOfFindings(findings)
  } finally {
    await engine.close()
  }
}

const exposedFinding = (exposure: Exposure): Finding =>
  warning(exposure.what, exposureText(exposure), { advice: exposureAdvice(exposure) })

/** Done once, when somebody asks first. */
function onDemand<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined
  return () => {
    done ??= work()
    return done
  }
}
