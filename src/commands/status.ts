/** `certferry status`: what is on disk, what was uploaded, what is pending. */
import { statusRow, statusTable } from '../core/status.ts'
import { sync } from '../sync.ts'
import type { World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { endOf, openEngine } from './engine.ts'
import { listLineages } from './sources.ts'

export async function run(world: World, line: CommandLine): Promise<number> {
  const engine = await openEngine(world, line, endOf(world))
  const { settings, receipts, effects } = engine
  const { lineages, failed } = await listLineages(settings, world.home)
  const known = new Map((await receipts.all()).map(receipt => [receipt.lineage, receipt]))
  const wishes = { force: false, dryRun: true, endpoint: settings.endpoint.hostname, last: true }

  const outcomes = [...failed]
  for (const lineage of lineages) outcomes.push(await sync(lineage, effects, wishes))
  const seen = new Set(outcomes.map(({ lineage }) => lineage))
  const gone = [...known.values()].filter(({ lineage }) => !seen.has(lineage))

  const now = new Date(world.now())
  const rows = [
    ...outcomes.map(outcome => statusRow({ outcome, receipt: known.get(outcome.lineage) }, now)),
    ...gone.map(receipt => statusRow({ receipt }, now)),
  ]
  world.stdout.write(line.json ? `${JSON.stringify({ lineages: rows })}\n` : statusTable(rows, world.stdout))
  return 0
}
