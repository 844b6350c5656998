/** `certferry status`: what is on disk, what was uploaded, what is pending. */
import { jsonLine } from '../core/jsonLine.ts'
import { emptyReceipt } from '../core/receipt.ts'
import { statusRow } from '../core/status.ts'
import { statusTable } from '../core/statusTable.ts'
import { ownReceipt } from '../edge/place.ts'
import { type Effects, sync } from '../sync.ts'
import type { World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { endOf, openEngine } from './engine.ts'
import { listLineages } from './sources.ts'

export async function run(world: World, line: CommandLine): Promise<number> {
  const engine = await openEngine(world, line, endOf(world))
  const { settings, receipts } = engine
  const { lineages, failed } = await listLineages(settings, world.home)
  const known = new Map((await receipts.all()).map(receipt => [receipt.lineage, receipt]))
  // the engine's own way sets damaged receipts aside, and who only looks leaves everything as it is
  const effects: Effects = {
    ...engine.effects,
    recall: async lineage => ownReceipt(lineage, known.get(lineage.id) ?? emptyReceipt(lineage.id)),
  }
  const wishes = { force: false, dryRun: true, endpoint: settings.endpoint.hostname, last: true }

  const outcomes = [...failed]
  for (const lineage of lineages) outcomes.push(await sync(lineage, effects, wishes))
  const seen = new Set(outcomes.map(({ lineage }) => lineage))
  const gone = [...known.values()].filter(({ lineage }) => !seen.has(lineage) && !settings.isSkipped(lineage))

  const now = new Date(world.now())
  const rows = [
    ...outcomes.map(outcome => statusRow({ outcome, receipt: known.get(outcome.lineage) }, now)),
    ...gone.map(receipt => statusRow({ receipt }, now)),
  ]
  world.stdout.write(line.json ? jsonLine({ lineages: rows }) : statusTable(rows, world.stdout, now))
  return 0
}
