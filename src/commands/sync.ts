/** `certferry sync`: one pass over every source. */
import { jsonLine } from '../core/jsonLine.ts'
import { exitOf, passJson } from '../core/outcome.ts'
import { summaryEntry } from '../core/report.ts'
import { pass } from '../pass.ts'
import type { World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { endOf, openEngine, warnOfExposures } from './engine.ts'
import { leftEntry, write } from './entries.ts'
import { openMeter } from './meter.ts'
import { openFooter } from './progress.ts'
import { listLineages, narrowed } from './sources.ts'

export async function run(world: World, line: CommandLine): Promise<number> {
  const started = world.now()
  const meter = line.dryRun ? undefined : await openMeter(world, line.metricsFile)
  const footer = openFooter(world, !line.json)
  const engine = await openEngine(footer.world, line, endOf(world), () => meter?.metrics)
  try {
    const { settings, log, effects } = engine
    const { lineages, failed, left } = narrowed(await listLineages(settings, world.home), line.only)
    warnOfExposures(engine)
    const dryRun = line.dryRun ?? false

    for (const outcome of failed) effects.tell(outcome)
    for (const one of left) write(log, leftEntry(one))
    const wishes = { force: line.force ?? false, dryRun, endpoint: settings.endpoint.hostname }
    const looked = await footer.during(lineages.length, effects, counted => pass(lineages, counted, wishes))
    const outcomes = [...looked, ...failed]

    const exit = exitOf(outcomes)
    write(log, summaryEntry(outcomes, world.now() - started))
    if (!line.only && !failed.length) meter?.sawAll(outcomes)
    await meter?.write(log)
    if (line.json) world.stdout.write(jsonLine(passJson(outcomes)))
    return exit
  } finally {
    await engine.close()
  }
}
