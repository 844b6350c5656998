/** The rows of `status` as a table for a terminal. Pure. */
import { displayWidth, durationText, pad, printableText, wrap } from '../terminal/text.ts'
import { STATES, type State, type StatusRow } from './status.ts'

interface Screen {
  readonly colours: boolean
  readonly columns: number
}

const GREEN = '32'
const YELLOW = '33'
const RED = '31'
const CYAN = '36'
const DIM = '2'

const COLOUR: Readonly<Record<State, string>> = {
  ok: GREEN,
  new: CYAN,
  changed: CYAN,
  pending: YELLOW,
  expiring: YELLOW,
  expired: RED,
  retrying: RED,
  rejected: RED,
  refused: YELLOW,
  failed: RED,
  removed: DIM,
}

const HEAD = ['LINEAGE', 'STATE', 'DAYS LEFT', 'ID', 'UPLOADED'] as const

const GAP = '  '

/** 80 columns hold lineages of 37 characters; longer ones are cut at the end. */
const SHORTEST_NAME = 12

export function statusTable(rows: readonly StatusRow[], screen: Screen, now: Date): string {
  if (!rows.length) return 'No certificates: nothing on disk, nothing uploaded.\n'
  const columns = Math.max(40, screen.columns)
  const below = [...reasons(rows, columns, now), summary(rows, columns)]
  return `${[...tableLines(rows, { ...screen, columns }), ...below.flatMap(text => ['', text])].join('\n')}\n`
}

function tableLines(rows: readonly StatusRow[], { colours, columns }: Screen): readonly string[] {
  const table = [HEAD, ...rows.map(cellsOf)]
  const widths = HEAD.map((_, i) => Math.max(...table.map(cells => displayWidth(cells[i] ?? ''))))
  const others = widths.slice(1).reduce((sum, width) => sum + GAP.length + width, 0)
  widths[0] = Math.min(widths[0] ?? 0, Math.max(SHORTEST_NAME, columns - others))
  const line = (cells: readonly string[], colourOf: readonly string[] = []) =>
    cells
      .map((cell, i) => paint(pad(truncate(cell, widths[i] ?? 0), widths[i] ?? 0), colourOf[i]))
      .join(GAP)
      .trimEnd()
  const lines = [line(HEAD)]
  for (const row of rows) {
    lines.push(line(cellsOf(row), colours ? ['', COLOUR[row.state], lifetimeColour(row)] : []))
    const names = otherNames(row, columns - GAP.length)
    if (names) lines.push(GAP + paint(names, colours ? DIM : ''))
  }
  return lines
}

const cellsOf = ({ lineage, state, daysLeft, certificateId, uploadedAt }: StatusRow) => [
  printableText(lineage, 300),
  state,
  daysLeft === null ? '-' : String(daysLeft).padStart(4),
  certificateId === null ? '-' : printableText(certificateId, 32),
  uploadedAt?.slice(0, 10) ?? '-',
]

function lifetimeColour({ lifetimeRemaining: remaining }: StatusRow): string {
  if (remaining === null) return ''
  if (remaining === 0) return RED
  return remaining < 1 / 3 ? YELLOW : GREEN
}

/** The names of the certificate that are not part of the lineage's name, as many as fit on one line. */
function otherNames({ lineage, names }: StatusRow, width: number): string {
  const own = lineage.slice(lineage.indexOf(':') + 1).replace(/_ecc$/, '')
  const others = names.filter(name => name !== own).map(name => printableText(name, 300))
  let shown = others.length
  const more = () => (shown < others.length ? ` and ${others.length - shown} more` : '')
  const text = () => others.slice(0, shown).join(', ')
  while (shown > 1 && displayWidth(text() + more()) > width) shown -= 1
  return truncate(text(), width - more().length) + more()
}

const paint = (text: string, colour: string | undefined) =>
  colour ? `\u001b[${colour}m${text}\u001b[0m` : text

function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  const characters = [...text]
  while (displayWidth(characters.join('')) >= width) characters.pop()
  return `${characters.join('')}…`
}

/** Each reason once: an outage is one message, not one for each certificate. */
function reasons(rows: readonly StatusRow[], columns: number, now: Date): readonly string[] {
  const groups = Map.groupBy(
    rows.filter(({ reason }) => reason !== null),
    ({ state, reason, advice }) => JSON.stringify([state, reason, advice]),
  )
  return [...groups.values()].map(group => {
    const [{ lineage, reason, advice } = rows[0] as StatusRow] = group
    const which = group.length === 1 ? lineage : `${lineage} and ${group.length - 1} more`
    const text = wrap(printableText(`${which}: ${retryText(group, now)}${reason}`, 1000), columns)
    return advice === null ? text : `${text}\n  → ${wrap(advice, columns - 4, 4)}`
  })
}

/** The longest failure and the next attempt among the rows. */
function retryText(group: readonly StatusRow[], now: Date): string {
  const earliest = (times: ReadonlyArray<string | null>) => times.filter(time => time !== null).sort()[0]
  const since = earliest(group.map(({ retryingSince }) => retryingSince))
  const next = earliest(group.map(({ nextAttemptAt }) => nextAttemptAt))
  if (since === undefined || next === undefined) return ''
  const seconds = (Date.parse(next) - now.getTime()) / 1000
  const when = seconds > 0 ? `in ${durationText(seconds)}` : 'is due'
  return `retrying since ${since.slice(0, 16).replace('T', ' ')} UTC, next attempt ${when}: `
}

/** The last line: it stays visible on a small terminal. */
function summary(rows: readonly StatusRow[], columns: number): string {
  const counts = STATES.map(state => [rows.filter(row => row.state === state).length, state] as const)
  const parts = counts.flatMap(([count, state]) => (count ? [`${count} ${state}`] : []))
  return wrap(`${rows.length} certificate${rows.length === 1 ? '' : 's'}: ${parts.join(', ')}`, columns)
}
