/** `certferry status`: what is on disk, what was uploaded, what is pending. */
import { openApp, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import type { ProcessContext } from '../processContext.ts'
import { emptyReceipt } from '../receipts/receipt.ts'
import { parsed } from '../receipts/shape.ts'
import { ownReceipt, type ReceiptStore } from '../receipts/store.ts'
import { listLineages } from '../sources/discover.ts'
import { statusRow } from '../status/status.ts'
import { statusTable } from '../status/table.ts'
import { jsonLine } from '../terminal/text.ts'
import type { Outcome } from '../upload/outcome.ts'
import { type SyncDeps, syncCertificate } from '../upload/syncCertificate.ts'

export async function run(world: ProcessContext, line: CommandLine): Promise<number> {
  const engine = await openApp(world, line, shutdownSignal(world))
  const { settings, receipts } = engine
  const { lineages, failed } = await listLineages(settings, world.home)
  const known = new Map((await receipts.all()).map(receipt => [receipt.lineage, receipt]))
  // the engine's own way sets damaged receipts aside, and who only looks leaves everything as it is
  const effects: SyncDeps = {
    ...engine.effects,
    recall: async lineage => ownReceipt(lineage, known.get(lineage.id) ?? emptyReceipt(lineage.id)),
  }
  const wishes = { force: false, dryRun: true, endpoint: settings.endpoint.hostname, last: true }

  const outcomes: Outcome[] = [...failed]
  for (const lineage of lineages) outcomes.push(await syncCertificate(lineage, effects, wishes))
  const seen = new Set(outcomes.map(({ lineage }) => lineage))
  const gone = [...known.values()].filter(
    ({ lineage }) => !seen.has(lineage) && !settings.isExcluded(lineage),
  )

  const now = new Date(world.now())
  const rows = [
    ...outcomes.map(outcome => statusRow({ outcome, receipt: known.get(outcome.lineage) }, now)),
    ...gone.map(receipt => statusRow({ receipt }, now)),
  ]
  if (line.json)
    world.stdout.write(jsonLine({ lineages: rows, notifications: await notificationsIn(receipts) }))
  else world.stdout.write(statusTable(rows, world.stdout, now))
  return 0
}

async function notificationsIn(receipts: ReceiptStore) {
  const { sent, unsent } = await receipts.notifications()
  return { sent, unsent: unsent.map(({ notification }) => parsed(notification) ?? null) }
}
