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

export async function run(context: ProcessContext, line: CommandLine): Promise<number> {
  const app = await openApp(context, line, shutdownSignal(context))
  const { settings, receipts } = app
  const { lineages, failed } = await listLineages(settings, context.home)
  const known = new Map((await receipts.all()).map(receipt => [receipt.lineage, receipt]))
  // the app's own recall sets a damaged database aside; status changes nothing
  const effects: SyncDeps = {
    ...app.effects,
    recall: async lineage => ownReceipt(lineage, known.get(lineage.id) ?? emptyReceipt(lineage.id)),
  }
  const options = { force: false, dryRun: true, endpoint: settings.endpoint.hostname, last: true }
  const outcomes: Outcome[] = [...failed]
  for (const lineage of lineages) outcomes.push(await syncCertificate(lineage, effects, options))
  const onDisk = new Set(outcomes.map(({ lineage }) => lineage))
  const removed = [...known.values()].filter(
    ({ lineage }) => !onDisk.has(lineage) && !settings.isExcluded(lineage),
  )
  const now = new Date(context.now())
  const rows = [
    ...outcomes.map(outcome => statusRow({ outcome, receipt: known.get(outcome.lineage) }, now)),
    ...removed.map(receipt => statusRow({ receipt }, now)),
  ]
  if (line.json)
    context.stdout.write(jsonLine({ lineages: rows, notifications: await notificationsIn(receipts) }))
  else context.stdout.write(statusTable(rows, context.stdout, now))
  return 0
}

async function notificationsIn(receipts: ReceiptStore) {
  const { sent, unsent } = await receipts.notifications()
  return { sent, unsent: unsent.map(({ notification }) => parsed(notification) ?? null) }
}
