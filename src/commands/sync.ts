/** `certferry sync`: one pass over every source. */
import { jsonLine } from '../core/jsonLine.ts'
import { exitOf, passJson } from '../core/outcome.ts'
import { summaryEntry } from '../core/report.ts'
import { syncAll } from '../pass.ts'
import type { ProcessContext } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { logInsecurePermissions, openApp, shutdownSignal } from './engine.ts'
import { leftEntry, logEntry } from './entries.ts'
import { openTextfileMetrics } from './meter.ts'
import { createProgressLine } from './progress.ts'
import { filterByName, listLineages } from './sources.ts'

export async function run(world: ProcessContext, line: CommandLine): Promise<number> {
  const started = world.now()
  const meter = line.dryRun ? undefined : await openTextfileMetrics(world, line.metricsFile)
  const footer = createProgressLine(world, !line.json)
  const engine = await openApp(footer.world, line, shutdownSignal(world), () => meter?.metrics)
  try {
    const { settings, log, effects } = engine
    const { lineages, failed, left } = filterByName(await listLineages(settings, world.home), line.only)
    logInsecurePermissions(engine)
    const dryRun = line.dryRun ?? false

    for (const outcome of failed) effects.report(outcome)
    for (const one of left) logEntry(log, leftEntry(one))
    const wishes = { force: line.force ?? false, dryRun, endpoint: settings.endpoint.hostname }
    const looked = await footer.during(lineages.length, effects, counted =>
      syncAll(lineages, counted, wishes),
    )
    const outcomes = [...looked, ...failed]

    const exit = exitOf(outcomes)
    logEntry(log, summaryEntry(outcomes, world.now() - started))
    if (!line.only && !failed.length) meter?.sawAll(outcomes)
    await meter?.write(log)
    if (line.json) world.stdout.write(jsonLine(passJson(outcomes)))
    return exit
  } finally {
    await engine.close()
  }
}
