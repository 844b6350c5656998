/** `certferry sync`: one run over every source. */
import { logInsecurePermissions, openApp, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { replaceAll } from '../deploy/replaceAll.ts'
import type { LogEntry } from '../log/logger.ts'
import { openTextfileMetrics } from '../metrics/textfile.ts'
import type { ProcessContext } from '../processContext.ts'
import { excludedText, filterByName, listLineages, sourceLabel } from '../sources/discover.ts'
import type { FileStamps } from '../sources/fileStamp.ts'
import type { Lineage } from '../sources/lineage.ts'
import { jsonLine } from '../terminal/text.ts'
import { exitOf, runJson } from '../upload/outcome.ts'
import { createProgressLine } from '../upload/progress.ts'
import { leftEntry, logEntry, summaryEntry } from '../upload/report.ts'
import { syncAll } from '../upload/syncAll.ts'

export async function run(context: ProcessContext, line: CommandLine): Promise<number> {
  const started = context.now()
  const { force = false, dryRun = false } = line
  const textfile = dryRun ? undefined : await openTextfileMetrics(context, line.metricsFile)
  const progress = createProgressLine(context, !line.json && !line.quiet)
  const deadline = line.deadline === undefined ? undefined : context.endWithin(line.deadline)
  const app = await openApp(
    progress.context,
    line,
    shutdownSignal(context, deadline),
    () => textfile?.metrics,
  )
  try {
    const { settings, log, receipts, effects } = app
    const stamps = new Map<Lineage, FileStamps>()
    const listing = await listLineages(settings, context.home, stamps)
    const { lineages, failed, left } = filterByName(listing, line.only)
    logInsecurePermissions(app)
    for (const outcome of failed) effects.report(outcome)
    for (const one of left) logEntry(log, leftEntry(one))

    const options = { force, dryRun, endpoint: settings.endpoint.hostname }
    const checked = await progress.during(lineages.length, effects, counting =>
      syncAll(lineages, counting, options, stamps),
    )
    const replacing = !(line.noReplace ?? false)
    const say = (entry: LogEntry) => logEntry(log, entry)
    const how = { dryRun, isHurried: false, say, onProgress: progress.show }
    const replaced = replacing ? await replaceAll(lineages, checked, app.replacer, how) : checked
    const outcomes = [...replaced, ...failed]
    const where = ` in ${listing.sources.map(sourceLabel).join(', ')}${excludedText(listing)}`
    logEntry(log, summaryEntry(outcomes, context.now() - started, where))
    await textfile?.write(log, receipts, { outcomes, lineages: listing.lineages })
    if (line.json) context.stdout.write(jsonLine(runJson(outcomes)))
    return exitOf(outcomes)
  } finally {
    await app.close()
  }
}
