/** What the status page shows, from what is recorded and what the daemon found last. Pure. */

import type { Pause } from '../receipts/pause.ts'
import { type Receipt, uploadedIdentity } from '../receipts/receipt.ts'
import type { Lineage } from '../sources/lineage.ts'
import type { Outcome } from '../upload/outcome.ts'
import { edgeNotes, isFailing, type Note, pauseNote, reasonNotes } from './attention.ts'
import { replacementStatus } from './replacement.ts'
import { type StatusRow, statusRow } from './status.ts'

/** What the daemon knows of its work, beside what is recorded. */
export interface DaemonView {
  readonly lineages: readonly Lineage[]
  /** Of each lineage whose last check found something to say. */
  readonly outcomes: ReadonlyMap<string, Outcome>
  /** Whether each could be read when it was listed last. */
  readonly sources: ReadonlyMap<string, boolean>
  readonly pending: number
  readonly nextRescan: Date | null
}

interface Event {
  /** ISO 8601. */
  readonly at: string
  readonly lineage: string
  readonly text: string
}

export interface StatusView {
  readonly host: string
  readonly version: string
  readonly endpoint: string
  readonly now: Date
  /** In natural order of their names. */
  readonly rows: readonly StatusRow[]
  /** How many of them need a person. */
  readonly failing: number
  readonly notes: readonly Note[]
  readonly events: readonly Event[]
  readonly sources: ReadonlyArray<{ readonly name: string; readonly isWatched: boolean }>
  readonly pending: number
  readonly nextRescan: Date | null
  /** Whether the browser was asked to load the page again by itself. */
  readonly isRefreshed: boolean
}

interface Sight extends Pick<StatusView, 'host' | 'version' | 'endpoint' | 'now' | 'isRefreshed'> {
  readonly receipts: readonly Receipt[]
  readonly pause: Pause | undefined
  readonly daemon: DaemonView
  readonly isExcluded: (lineage: string) => boolean
}

export function statusView({ receipts, pause, daemon, isExcluded, ...about }: Sight): StatusView {
  const { now, endpoint } = about
  const known = new Map(receipts.map(receipt => [receipt.lineage, receipt]))
  const onDisk = new Set(daemon.lineages.map(({ id }) => id))
  const { compare } = new Intl.Collator('en', { numeric: true })
  const rows = [
    ...daemon.lineages.map(({ id, deploy }) => {
      const receipt = known.get(id)
      const outcome = outcomeOf(id, daemon.outcomes.get(id), receipt, endpoint)
      const replacement = replacementStatus(receipt, deploy, endpoint, now)
      return statusRow({ outcome, receipt, replacement, endpoint }, now)
    }),
    ...receipts
      .filter(({ lineage }) => !onDisk.has(lineage) && !isExcluded(lineage))
      .map(receipt => statusRow({ receipt, replacement: undefined, endpoint }, now)),
  ].toSorted((one, other) => compare(one.lineage, other.lineage))
  const paused = pauseNote(pause, now)
  return {
    ...about,
    rows,
    failing: rows.filter(isFailing).length,
    notes: [...(paused ? [paused] : []), ...reasonNotes(rows, now), ...edgeNotes(rows, now)],
    events: lastEvents(receipts.filter(({ lineage }) => !isExcluded(lineage))),
    sources: Array.from(daemon.sources, ([name, isWatched]) => ({ name, isWatched })),
    pending: daemon.pending,
    nextRescan: daemon.nextRescan,
  }
}

/** As `status` would find it by a dry run, without reading the files again. */
function outcomeOf(
  lineage: string,
  last: Outcome | undefined,
  receipt: Receipt | undefined,
  endpoint: string,
): Outcome {
  const { uploaded, failing } = receipt ?? {}
  if (last?.outcome === 'failed') {
    const { bundle, fault } = last
    // an upload that failed: it is tried again at its time, or after the pause, of which the page speaks once
    if (bundle && failing && failing.fingerprint === bundle.fingerprint)
      return { lineage, bundle, elapsedMs: 0, outcome: 'waiting', until: new Date(failing.nextAttemptAt) }
    if (fault.code === 'UPLOADS_PAUSED')
      return {
        lineage,
        ...(bundle && { bundle }),
        elapsedMs: 0,
        outcome: 'planned',
        because: uploaded ? 'changed' : 'first-seen',
      }
  }
  if (last) return last
  if (uploaded?.endpoint !== endpoint)
    return { lineage, elapsedMs: 0, outcome: 'planned', because: 'first-seen' }
  const { certificateId } = uploaded
  const bundle = uploadedIdentity(uploaded)
  return { lineage, bundle, elapsedMs: 0, outcome: 'unchanged', because: 'unchanged', certificateId }
}

const MOST_EVENTS = 12

/** Newest first; whoever did it, daemon, hook or a person. */
export function lastEvents(receipts: readonly Receipt[]): readonly Event[] {
  const events = receipts.flatMap(receipt =>
    eventsOf(receipt).map(([at, text]) => ({ at, lineage: receipt.lineage, text })),
  )
  return events.toSorted((one, other) => (one.at < other.at ? 1 : -1)).slice(0, MOST_EVENTS)
}

function eventsOf({
  uploaded,
  superseded,
  rejected,
  failing,
  replacement,
}: Receipt): ReadonlyArray<readonly [at: string, text: string]> {
  const uploads = [...(uploaded ? [uploaded] : []), ...superseded].map(
    ({ uploadedAt, certificateId }, i) =>
      [
        uploadedAt,
        `uploaded as ${certificateId}${superseded[i] ? `, after ${superseded[i]?.certificateId}` : ''}`,
      ] as const,
  )
  const { to = '', state, since = '', startedAt = '', replacedAt, reason } = replacement ?? {}
  return [
    ...uploads,
    ...superseded.flatMap(({ deletedAt, certificateId }) =>
      deletedAt ? [[deletedAt, `${certificateId} deleted in the account`] as const] : [],
    ),
    ...(rejected ? [[rejected.at, `refused by the service: ${rejected.message}`] as const] : []),
    ...(failing ? [[failing.since, `upload failing since then: ${failing.message}`] as const] : []),
    ...(replacedAt !== undefined && state !== 'verified'
      ? [[replacedAt, `${to} replaced the older ones`] as const]
      : []),
    ...(state === 'verified' ? [[since, `${to} is in place: every address serves it`] as const] : []),
    ...(state === 'stale' || state === 'partly' || state === 'uncovered' || state === 'untrusted'
      ? [[since, `${to} is not in place everywhere (${state})${reason ? `: ${reason}` : ''}`] as const]
      : []),
    ...(state === 'asked' || state === 'running'
      ? [[startedAt, `${to} is put in place of older ones`] as const]
      : []),
  ]
}
