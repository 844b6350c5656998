/** The pass of `certferry hook`: over one lineage, with an end to it. */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { Fault } from '../core/fault.ts'
import { jsonLine } from '../core/jsonLine.ts'
import type { Lineage } from '../core/lineage.ts'
import { exitOf, type Outcome, passJson } from '../core/outcome.ts'
import { syncAll } from '../pass.ts'
import type { ProcessContext } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { createApp, logInsecurePermissions, shutdownSignal } from './engine.ts'
import { logUnchanged } from './entries.ts'
import { openTextfileMetrics } from './meter.ts'
import type { LoadedConfig } from './settings.ts'

export interface Renewed {
  readonly inForce: LoadedConfig
  readonly lineage: Lineage
  /** Where another place has its name. */
  readonly taken: Fault | undefined
  /** Aborted at the deadline. */
  readonly late: AbortSignal
}

export async function syncRenewed(
  world: ProcessContext,
  line: CommandLine,
  { inForce, lineage, taken, late }: Renewed,
): Promise<number> {
  const meter = await openTextfileMetrics(world, line.metricsFile)
  const signal = shutdownSignal(world, late)
  const engine = createApp(inForce, { world, line, signal, metrics: () => meter?.metrics })
  try {
    const { settings, log, effects } = engine
    logInsecurePermissions(engine)
    mustBeThere(dirname(lineage.chain))
    const wishes = { force: false, dryRun: false, endpoint: settings.endpoint.hostname }
    const outcomes = taken ? refused(lineage, taken) : await syncAll([lineage], effects, wishes)
    if (taken) for (const outcome of outcomes) effects.report(outcome)
    logUnchanged(log, outcomes)
    await meter?.write(log)
    if (line.json) world.stdout.write(jsonLine(passJson(outcomes)))
    return exitOf(outcomes)
  } finally {
    await engine.close()
  }
}

const refused = ({ id }: Lineage, fault: Fault): readonly Outcome[] => [
  { outcome: 'failed', lineage: id, fault, elapsedMs: 0 },
]

/** A folder that is not there is a wrong name, not a renewal under way. */
function mustBeThere(folder: string): void {
  if (!statOf(folder))
    throw new Fault('SOURCE_MISSING', `${folder}: no such directory`, {
      advice: 'Check the path that the ACME client or the options gave.',
    })
}

/** What cannot be looked at is there: reading it says why. */
function statOf(folder: string) {
  try {
    return statSync(folder, { throwIfNoEntry: false })
  } catch {
    return folder
  }
}
