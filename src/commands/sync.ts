/** `certferry sync`: one pass over every source. */
import { logInsecurePermissions, openApp, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { openTextfileMetrics } from '../metrics/textfile.ts'
import type { ProcessContext } from '../processContext.ts'
import { filterByName, listLineages } from '../sources/discover.ts'
import { jsonLine } from '../terminal/text.ts'
import { exitOf, passJson } from '../upload/outcome.ts'
import { createProgressLine } from '../upload/progress.ts'
import { leftEntry, logEntry, summaryEntry } from '../upload/report.ts'
import { syncAll } from '../upload/syncAll.ts'

export async function run(world: ProcessContext, line: CommandLine): Promise<number> {
  const started = world.now()
  const meter = line.dryRun ? undefined : await openTextfileMetrics(world, line.metricsFile)
  const footer = createProgressLine(world, !line.json)
  const engine = await openApp(footer.world, line, shutdownSignal(world), () => meter?.metrics)
  try {
    const { settings, log, effects } = engine
    const listing = await listLineages(settings, world.home)
    const { lineages, failed, left } = filterByName(listing, line.only)
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
    await meter?.write(log, engine.receipts, { outcomes, lineages: listing.lineages })
    if (line.json) world.stdout.write(jsonLine(passJson(outcomes)))
    return exit
  } finally {
    await engine.close()
  }
}
