/** `certferry status`: what is on disk, what was uploaded, what is pending. */
import { openApp, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import { emptyReceipt } from '../receipts/receipt.ts'
import { parsed } from '../receipts/shape.ts'
import { ownReceipt, type ReceiptStore } from '../receipts/store.ts'
import { listLineages } from '../sources/discover.ts'
import { statusDetail } from '../status/detail.ts'
import { replacementStatus } from '../status/replacement.ts'
import { type StatusRow, statusRow } from '../status/status.ts'
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
  const deployOf = new Map(lineages.map(({ id, deploy }) => [id, deploy]))
  const replacementOf = (id: string) =>
    replacementStatus(known.get(id), deployOf.get(id), settings.endpoint.hostname, now)
  const all = [
    ...outcomes.map(outcome => {
      const { lineage } = outcome
      return statusRow({ outcome, receipt: known.get(lineage), replacement: replacementOf(lineage) }, now)
    }),
    ...removed.map(receipt => statusRow({ receipt, replacement: replacementOf(receipt.lineage) }, now)),
  ]
  const [name, ...others] = line.operands
  if (others.length) throw new Fault('USAGE', 'expected one name at most, as `certferry status` shows it')
  const rows = name === undefined ? all : [named(name, all)]
  const [only] = rows
  if (line.json)
    context.stdout.write(jsonLine({ lineages: rows, notifications: await notificationsIn(receipts) }))
  else
    context.stdout.write(
      name !== undefined && only
        ? statusDetail(only, context.stdout, now)
        : statusTable(rows, context.stdout, now),
    )
  return 0
}

/** @throws Fault LINEAGE_UNKNOWN where it is not the name of one row, with or without its kind. */
function named(name: string, rows: readonly StatusRow[]): StatusRow {
  const found = rows.filter(
    ({ lineage }) => lineage === name || lineage.slice(lineage.indexOf(':') + 1) === name,
  )
  const exact = found.find(({ lineage }) => lineage === name)
  const [row, ...more] = exact ? [exact] : found
  if (row && !more.length) return row
  const names = found.map(({ lineage }) => lineage).join(', ')
  throw new Fault('LINEAGE_UNKNOWN', row ? `"${name}" may be ${names}` : `there is no "${name}"`)
}

async function notificationsIn(receipts: ReceiptStore) {
  const { sent, unsent } = await receipts.notifications()
  return { sent, unsent: unsent.map(({ notification }) => parsed(notification) ?? null) }
}
