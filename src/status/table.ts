/** The rows of `status` as a table for a terminal. Pure. */
import { displayWidth, durationText, pad, printableText, wrap } from '../terminal/text.ts'
import { replacementWord } from './replacement.ts'
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

/** Of the words of a replacement; those that are not here are under way. */
const EDGE_COLOUR: Readonly<Record<string, string>> = {
  ok: GREEN,
  replaced: GREEN,
  'not bound': DIM,
  unverified: YELLOW,
  uncovered: YELLOW,
  untrusted: YELLOW,
  held: YELLOW,
  partly: RED,
  failed: RED,
  stale: RED,
}

interface Column {
  readonly head: string
  readonly cell: (row: StatusRow) => string
  readonly colour?: (row: StatusRow) => string
}

const edgeWord = ({ replacement }: StatusRow) => (replacement ? replacementWord(replacement) : '-')

const LINEAGE: Column = { head: 'LINEAGE', cell: ({ lineage }) => printableText(lineage, 300) }

const COLUMNS: readonly Column[] = [
  { head: 'STATE', cell: ({ state }) => state, colour: ({ state }) => COLOUR[state] },
  {
    head: 'DAYS LEFT',
    cell: ({ daysLeft }) => (daysLeft === null ? '-' : String(daysLeft).padStart(4)),
    colour: lifetimeColour,
  },
  {
    head: 'ID',
    cell: ({ certificateId }) => (certificateId === null ? '-' : printableText(certificateId, 32)),
  },
]

/** Whether the new certificate is in place where older ones were; absent where nothing is to be replaced. */
const EDGE: Column = {
  head: 'EDGE',
  cell: edgeWord,
  colour: row => (row.replacement ? (EDGE_COLOUR[withoutCounts(edgeWord(row))] ?? CYAN) : ''),
}

/** Gives way to EDGE where names would be cut. */
const UPLOADED: Column = { head: 'UPLOADED', cell: ({ uploadedAt }) => uploadedAt?.slice(0, 10) ?? '-' }

const GAP = '  '

/** 80 columns hold lineages of 37 characters; longer ones are cut at the end. */
const SHORTEST_NAME = 12

export function statusTable(rows: readonly StatusRow[], screen: Screen, now: Date): string {
  if (!rows.length) return 'No certificates: nothing on disk, nothing uploaded.\n'
  const columns = Math.max(40, screen.columns)
  const below = [...reasons(rows, columns, now), ...edgeReasons(rows, columns, now), summary(rows, columns)]
  return `${[...tableLines(rows, { ...screen, columns }), ...below.flatMap(text => ['', text])].join('\n')}\n`
}

function tableLines(rows: readonly StatusRow[], { colours, columns }: Screen): readonly string[] {
  const widthOf = ({ head, cell }: Column) => Math.max(...[head, ...rows.map(cell)].map(displayWidth))
  const longest = widthOf(LINEAGE)
  const widthBeside = (others: readonly Column[]) =>
    columns - others.reduce((sum, one) => sum + GAP.length + widthOf(one), 0)
  const edge = rows.some(({ replacement }) => replacement) ? [EDGE] : []
  const all = [...COLUMNS, ...edge, UPLOADED]
  const others = edge.length && widthBeside(all) < longest ? [...COLUMNS, ...edge] : all
  const width = Math.min(longest, Math.max(SHORTEST_NAME, widthBeside(others)))
  const shown = [{ ...LINEAGE, width }, ...others.map(one => ({ ...one, width: widthOf(one) }))]
  const lines = [
    shown
      .map(({ head, width }) => pad(head, width))
      .join(GAP)
      .trimEnd(),
  ]
  for (const row of rows) {
    const cells = shown.map(({ cell, colour, width }) =>
      paint(pad(truncate(cell(row), width), width), colours ? colour?.(row) : ''),
    )
    lines.push(cells.join(GAP).trimEnd())
    const names = otherNames(row, columns - GAP.length)
    if (names) lines.push(GAP + paint(names, colours ? DIM : ''))
  }
  return lines
}

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
    const [{ reason, advice } = rows[0] as StatusRow] = group
    return reasonText(group, `${retryText(group, now)}${reason}`, advice, columns)
  })
}

/** Why a certificate is not in place, or not known to be. */
function edgeReasons(rows: readonly StatusRow[], columns: number, now: Date): readonly string[] {
  const groups = Map.groupBy(
    rows.filter(({ replacement }) => replacement?.reason),
    ({ replacement }) => JSON.stringify([replacement?.state, replacement?.reason, replacement?.advice]),
  )
  return [...groups.values()].map(group => {
    const next = earliest(group.map(({ replacement }) => replacement?.nextCheckAt ?? null))
    const again = next === undefined ? '' : ` (next check ${whenText(next, now)})`
    const { reason, advice } = group[0]?.replacement ?? {}
    const text = `${edgeWord(group[0] as StatusRow)}: ${reason}${again}`
    return reasonText(group, text, advice ?? null, columns)
  })
}

function reasonText(
  group: readonly StatusRow[],
  reason: string,
  advice: string | null,
  columns: number,
): string {
  const which = group.length === 1 ? group[0]?.lineage : `${group[0]?.lineage} and ${group.length - 1} more`
  const text = wrap(printableText(`${which}: ${reason}`, 1000), columns)
  return advice === null ? text : `${text}\n  → ${wrap(printableText(advice, 1000), columns - 4, 4)}`
}

const earliest = (times: ReadonlyArray<string | null>) => times.filter(time => time !== null).sort()[0]

/** `in 12 minutes`. */
export function whenText(time: string, now: Date): string {
  const seconds = (Date.parse(time) - now.getTime()) / 1000
  return seconds > 0 ? `in ${durationText(seconds)}` : 'is due'
}

/** The longest failure and the next attempt among the rows. */
function retryText(group: readonly StatusRow[], now: Date): string {
  const since = earliest(group.map(({ retryingSince }) => retryingSince))
  const next = earliest(group.map(({ nextAttemptAt }) => nextAttemptAt))
  if (since === undefined || next === undefined) return ''
  return `retrying since ${since.slice(0, 16).replace('T', ' ')} UTC, next attempt ${whenText(next, now)}: `
}

/** The last line: it stays visible on a small terminal. */
function summary(rows: readonly StatusRow[], columns: number): string {
  const counts = STATES.map(state => [rows.filter(row => row.state === state).length, state] as const)
  const parts = counts.flatMap(([count, state]) => (count ? [`${count} ${state}`] : []))
  const replaced = rows.filter(({ replacement }) => replacement).map(row => withoutCounts(edgeWord(row)))
  const words = [...Map.groupBy(replaced, word => word)].map(([word, all]) => `${all.length} ${word}`).sort()
  const edge = words.length ? `; edge: ${words.join(', ')}` : ''
  return wrap(
    `${rows.length} certificate${rows.length === 1 ? '' : 's'}: ${parts.join(', ')}${edge}`,
    columns,
  )
}

const withoutCounts = (word: string) => word.replace(/ \d.*/, '')
