/** One lineage in full, for `status NAME`: its IDs, where they are bound, and which certificate each address serves. Pure. */
import type { Superseded } from '../receipts/receipt.ts'
import type { Handshake, Job, Resource } from '../receipts/replacement.ts'
import { displayWidth, minuteText, pad, printableText, wrap } from '../terminal/text.ts'
import { whenText } from './attention.ts'
import { type ReplacementStatus, replacementWord } from './replacement.ts'
import type { StatusRow } from './status.ts'

interface Screen {
  readonly columns: number
}

/** Columns before the text: the label and the blanks around it. */
const MARGIN = 15

/** Of a long list so many are shown; `--json` has all. */
const MOST = 40

const day = (time: string) => time.slice(0, 10)

type Section = readonly [label: string, lines: readonly string[]]

export function statusDetail(row: StatusRow, { columns }: Screen, now: Date): string {
  const width = Math.max(40, columns) - MARGIN
  const fit = (text: string) => wrap(printableText(text, 2000), width, MARGIN)
  const sections: readonly Section[] = [
    ['state', [stateText(row, now), ...because(row, fit)]],
    ['names', row.names.length ? [fit(row.names.join(', '))] : []],
    ['file', row.path === null ? [] : [printableText(row.path, 500)]],
    [
      'ID',
      row.uploaded ? [`${row.uploaded.certificateId}, uploaded ${minuteText(row.uploaded.uploadedAt)}`] : [],
    ],
    ['older IDs', few(row.superseded.map(one => fit(supersededText(one))))],
    ...(row.replacement ? replacementSections(row.replacement, { now, width, fit }) : []),
  ]
  const lines = sections.flatMap(([label, all]) =>
    all.map((text, i) => `  ${(i ? '' : label).padEnd(MARGIN - 2)}${text}`),
  )
  return `${printableText(row.lineage, 300)}\n${lines.join('\n')}\n`
}

function few(lines: readonly string[]): readonly string[] {
  return lines.length > MOST ? [...lines.slice(0, MOST), `and ${lines.length - MOST} more (--json)`] : lines
}

function stateText(
  { state, daysLeft, notAfter, retryingSince, nextAttemptAt }: StatusRow,
  now: Date,
): string {
  const left = notAfter === null ? '' : `, ${daysLeft} days left, until ${minuteText(notAfter)}`
  const since = retryingSince === null ? '' : `, since ${minuteText(retryingSince)}`
  const next = nextAttemptAt === null ? '' : `, next attempt ${whenText(nextAttemptAt, now)}`
  return `${state}${since}${next}${left}`
}

const because = (
  { reason, advice }: { readonly reason: string | null; readonly advice: string | null },
  fit: (text: string) => string,
) => [...(reason === null ? [] : [fit(reason)]), ...(advice === null ? [] : [fit(`→ ${advice}`)])]

function supersededText(one: Superseded): string {
  const bound =
    one.bound === undefined
      ? 'not known where bound'
      : `${one.bound === 'no' ? 'bound nowhere' : 'bound'}${one.boundAt ? ` on ${day(one.boundAt)}` : ''}`
  const parts = [
    `superseded ${day(one.supersededAt)}`,
    ...(one.reused === undefined ? [] : [one.reused ? 'not created by this host' : 'created by this host']),
    ...(one.deletedAt ? [] : [bound]),
    ...(one.silencedAt ? [`silenced ${day(one.silencedAt)}`] : []),
    ...(one.deletedAt ? [`deleted ${day(one.deletedAt)}`] : []),
  ]
  return `${one.certificateId}  ${parts.join(', ')}`
}

interface Page {
  readonly now: Date
  readonly width: number
  readonly fit: (text: string) => string
}

function replacementSections(replacement: ReplacementStatus, { now, width, fit }: Page): readonly Section[] {
  const { since, jobs, bound, handshakes, nextCheckAt, state } = replacement
  const word = `${replacementWord(replacement)}${since === null ? '' : `, since ${minuteText(since)}`}`
  const known = word.startsWith(state) ? '' : ` (${state})`
  const failures = jobs.find(({ failures }) => failures.length)?.failures ?? []
  const next =
    nextCheckAt === null
      ? []
      : [`${whenText(nextCheckAt, now).replace('is due', 'now')} by the daemon; at once by the next sync`]
  return [
    ['edge', [`${word}${known}`, ...because(replacement, fit)]],
    ['jobs', few(jobs.map(job => fit(jobText(job))))],
    [
      'resources',
      few(
        table(
          bound.map(one => [...placeOf(one), one.domains.join(' '), `on ${one.certificateId}`]),
          width,
        ),
      ),
    ],
    [
      'failed',
      few(failures.map(one => fit(`${[...placeOf(one), ...one.domains].join(' ')}: ${one.message}`))),
    ],
    ['handshakes', few(table(handshakes.map(handshakeCells), width))],
    ['next check', next],
  ]
}

const placeOf = ({ type, region, instance, domains }: Resource) => [
  type,
  region,
  domains.includes(instance) ? '' : instance,
]

function jobText({ from, to, recordId, askedAt, endedAt, total, done, failures, retried }: Job): string {
  const parts = [
    recordId ? `record ${recordId}` : 'no record yet',
    `asked ${minuteText(askedAt)}`,
    ...(total ? [`${done} of ${total} done`] : []),
    ...(failures.length ? [`${failures.length} failed`] : []),
    ...(retried ? ['retried once'] : []),
    endedAt ? `ended ${minuteText(endedAt)}` : 'under way',
  ]
  return `${from} → ${to}: ${parts.join(', ')}`
}

const handshakeCells = ({ name, address, leaf, detail }: Handshake) => [
  name,
  address,
  `${leaf}${detail ? ` (${detail})` : ''}`,
]

/** In columns where they fit, else with single blanks, and broken. */
function table(rows: ReadonlyArray<readonly string[]>, width: number): readonly string[] {
  const clean = rows.map(cells => cells.map(cell => printableText(cell, 300)))
  const widths = (clean[0] ?? []).map((_, i) => Math.max(...clean.map(cells => displayWidth(cells[i] ?? ''))))
  const used = widths.flatMap((one, i) => (one ? i : []))
  const lines = clean.map(cells =>
    used
      .map(i => pad(cells[i] ?? '', widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  if (lines.every(line => displayWidth(line) <= width)) return lines
  return clean.map(cells => wrap(cells.filter(Boolean).join(' '), width - 2, MARGIN + 2))
}
