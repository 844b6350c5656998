/** `certferry status`: the daemon, what needs a person, and each certificate: on disk, uploaded, pending. */
import { openApp, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { fits } from '../config/settings.ts'
import { daemonFinding, findDaemons } from '../doctor/daemon.ts'
import type { Finding } from '../doctor/finding.ts'
import { type Machine, thisMachine } from '../doctor/run.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import { emptyReceipt } from '../receipts/receipt.ts'
import { parsed } from '../receipts/shape.ts'
import { ownReceipt, type ReceiptStore } from '../receipts/store.ts'
import { type Listing, listLineages, sourceLabel } from '../sources/discover.ts'
import { meantId } from '../sources/lineage.ts'
import { edgeNotes, isFailing, type Note, noteText, pauseNote, reasonNotes } from '../status/attention.ts'
import { statusDetail } from '../status/detail.ts'
import { replacementStatus } from '../status/replacement.ts'
import { type StatusRow, statusRow } from '../status/status.ts'
import { statusTable } from '../status/table.ts'
import { jsonLine, withoutSudo } from '../terminal/text.ts'
import type { Outcome } from '../upload/outcome.ts'
import { type SyncDeps, syncCertificate } from '../upload/syncCertificate.ts'

export const run = (context: ProcessContext, line: CommandLine): Promise<number> =>
  showStatus(context, line, thisMachine)

export async function showStatus(
  context: ProcessContext,
  line: CommandLine,
  machine: Machine,
): Promise<number> {
  const [word, ...others] = line.operands
  if (others.length) throw new Fault('USAGE', 'expected one name or pattern at most')
  const app = await openApp(context, line, shutdownSignal(context))
  const { receipts } = app
  const listing = await listLineages(app.settings, context.home)
  const now = new Date(context.now())
  const all = await rowsOf(app, listing, now)
  const pause = await receipts.pause()
  const daemon = isUsual(context, line)
    ? daemonFinding(await findDaemons(machine, context.program))
    : undefined
  const isPattern = word !== undefined && /[*?]/.test(word)
  const only = [...(line.only ?? []), ...(isPattern ? [word] : [])]
  const { stdout } = context
  if (word !== undefined && !isPattern && !line.json) {
    stdout.write(statusDetail(named(word, all), stdout, now))
    return 0
  }
  const rows = (word === undefined || isPattern ? all : [named(word, all)])
    .filter(({ lineage }) => !only.length || only.some(pattern => fits(pattern)(lineage)))
    .filter(row => !line.failing || isFailing(row))
  if (only.length && !rows.length && !line.failing)
    throw new Fault('LINEAGE_UNKNOWN', `there is no certificate ${only.map(one => `"${one}"`).join(' or ')}`)
  const { excluded, unmatched, left } = listing
  const inForce = pauseNote(pause, now)
  if (line.json) {
    const paused = inForce ? (pause ?? null) : null
    const rest = { paused, daemon: daemon?.says ?? null, excluded, unmatched, ignored: left }
    stdout.write(jsonLine({ lineages: rows, ...rest, notifications: await notificationsIn(receipts) }))
    return 0
  }
  const notes = [
    ...(inForce ? [inForce] : []),
    ...(daemon && !isQuiet(daemon) ? [daemonNote(daemon)] : []),
    ...unmatched.map(unmatchedNote),
    ...reasonNotes(rows, now),
    ...edgeNotes(rows, now),
  ]
  const shown = line.verbose ? notes : notes.slice(0, MOST_NOTES)
  const texts = shown
    .map(note => noteText(note, stdout.columns))
    .map(text => (context.hasSudo() ? text : withoutSudo(text)))
  if (notes.length > shown.length) texts.push(`… and ${notes.length - shown.length} more (--verbose)`)
  if (line.quiet) stdout.write(texts.length ? `${texts.join('\n\n')}\n` : '')
  else {
    // the note of a pause says it already
    const first = daemon && isQuiet(daemon) && !inForce ? [noteText(daemonNote(daemon), stdout.columns)] : []
    const hidden = [
      ...(rows.length < all.length ? [`${all.length - rows.length} not shown`] : []),
      ...(excluded.length ? [`${excluded.length} left out by exclude = true`] : []),
      ...(left.length ? [`${left.length} ignored (certferry check says why)`] : []),
      ...(all.length ? [] : [`looked in ${listing.sources.map(sourceLabel).join(', ')}`]),
    ]
    stdout.write(
      statusTable(rows, stdout, { notes: [...first, ...texts], hidden, verbose: line.verbose ?? false }),
    )
    if (rows.length > SCREENFUL && !line.failing && rows.some(isFailing))
      stdout.write('  → Only those with a problem: certferry status --failing\n')
  }
  return 0
}

/** Of more rows the first notes are no longer on the screen, and the last line leads to them. */
const SCREENFUL = 12

/** More are counted: the table has to be reached. */
const MOST_NOTES = 8

/** What systemd and the processes show belongs to the usual configuration, and to no other that a command names. */
const isUsual = ({ env }: ProcessContext, { config, stateDir }: CommandLine) =>
  ![config, stateDir, env.CERTFERRY_CONFIG, env.CERTFERRY_STATE_DIR].some(Boolean)

const isQuiet = ({ level }: Finding) => level === 'ok' || level === 'unreached'

const daemonNote = ({ says, advice, command }: Finding): Note => ({
  text: `Daemon: ${says}`,
  advice: [advice, command].filter(Boolean).join(' ') || null,
})

const unmatchedNote = (pattern: string): Note => ({
  text: `[[certificate]] match = "${pattern}" matches no certificate`,
  advice: 'Use one of the names below, or remove it.',
})

/** A row for each certificate on disk, and for each that is recorded only, in the order of their names. */
async function rowsOf(
  { settings, receipts, effects: own }: Awaited<ReturnType<typeof openApp>>,
  { lineages, failed }: Listing,
  now: Date,
): Promise<readonly StatusRow[]> {
  const known = new Map((await recorded(receipts)).map(receipt => [receipt.lineage, receipt]))
  // the app's own recall sets a damaged database aside; status changes nothing
  const effects: SyncDeps = {
    ...own,
    recall: async lineage => ownReceipt(lineage, known.get(lineage.id) ?? emptyReceipt(lineage.id)),
  }
  const endpoint = settings.endpoint.hostname
  const options = { force: false, dryRun: true, endpoint, last: true }
  const outcomes: Outcome[] = [...failed]
  for (const lineage of lineages) outcomes.push(await syncCertificate(lineage, effects, options))
  const onDisk = new Set(outcomes.map(({ lineage }) => lineage))
  const removed = [...known.values()].filter(
    ({ lineage }) => !onDisk.has(lineage) && !settings.isExcluded(lineage),
  )
  const deployOf = new Map(lineages.map(({ id, deploy }) => [id, deploy]))
  const replacementOf = (id: string) => replacementStatus(known.get(id), deployOf.get(id), endpoint, now)
  const rows = [
    ...outcomes.map(outcome => {
      const { lineage } = outcome
      const replacement = replacementOf(lineage)
      return statusRow({ outcome, receipt: known.get(lineage), replacement, endpoint }, now)
    }),
    ...removed.map(receipt => statusRow({ receipt, replacement: replacementOf(receipt.lineage) }, now)),
  ]
  const { compare } = new Intl.Collator('en', { numeric: true })
  return rows.toSorted((one, other) => compare(one.lineage, other.lineage))
}

/** @throws Fault STATE_DIR_UNUSABLE; to a user who may not read it, it says who may. */
const recorded = (receipts: ReceiptStore) =>
  receipts.all().catch(error => {
    if (!(error instanceof Fault) || !/\((EACCES|EPERM)\)/.test(error.message)) throw error
    throw new Fault('STATE_DIR_UNUSABLE', error.message, {
      advice: 'Run it as root, or as the user of the service: sudo certferry status',
    })
  })

/** @throws Fault LINEAGE_UNKNOWN where it is not the name of one row, with or without its kind. */
function named(name: string, rows: readonly StatusRow[]): StatusRow {
  const found = rows.filter(
    ({ lineage }) => lineage === name || lineage.slice(lineage.indexOf(':') + 1) === name,
  )
  const exact = found.find(({ lineage }) => lineage === name)
  const [row, ...more] = exact ? [exact] : found
  if (row && !more.length) return row
  const names = found.map(({ lineage }) => lineage).join(', ')
  throw new Fault(
    'LINEAGE_UNKNOWN',
    row
      ? `"${name}" may be ${names}`
      : `there is no "${name}"${meantId(
          name,
          rows.map(({ lineage }) => lineage),
        )}`,
  )
}

async function notificationsIn(receipts: ReceiptStore) {
  const { sent, unsent } = await receipts.notifications()
  return { sent, unsent: unsent.map(({ notification }) => parsed(notification) ?? null) }
}
