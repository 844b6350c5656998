/** The rows of `status` as a table for a terminal. Pure. */
import { countText, displayWidth, pad, printableText, wrap } from '../terminal/text.ts'
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

export const edgeWord = ({ replacement }: StatusRow) => (replacement ? replacementWord(replacement) : '-')

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

interface Around {
  /** Printed first, one blank line apart. */
  readonly notes?: readonly string[]
  /** Printed last: how many there are that the table does not show. */
  readonly hidden?: readonly string[]
  /** With the names of each certificate. */
  readonly verbose?: boolean
}

export function statusTable(rows: readonly StatusRow[], screen: Screen, around: Around = {}): string {
  const { notes = [], hidden = [], verbose = false } = around
  const columns = Math.max(40, screen.columns)
  const table = rows.length ? [tableLines(rows, { ...screen, columns }, verbose).join('\n')] : []
  const last = wrap([summary(rows), ...hidden].join('; '), columns)
  return `${[...notes, ...table, last].join('\n\n')}\n`
}

function tableLines(
  rows: readonly StatusRow[],
  { colours, columns }: Screen,
  verbose: boolean,
): readonly string[] {
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
    const names = verbose && otherNames(row, columns - GAP.length)
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

/** In the last line, which stays visible on a small terminal. */
function summary(rows: readonly StatusRow[]): string {
  if (!rows.length) return 'no certificates'
  const counts = STATES.map(state => [rows.filter(row => row.state === state).length, state] as const)
  const parts = counts.flatMap(([count, state]) => (count ? [`${count} ${state}`] : []))
  const replaced = rows.filter(({ replacement }) => replacement).map(row => withoutCounts(edgeWord(row)))
  const words = [...Map.groupBy(replaced, word => word)].map(([word, all]) => `${all.length} ${word}`).sort()
  const edge = words.length ? `; edge: ${words.join(', ')}` : ''
  return `${countText(rows.length, 'certificate')}: ${parts.join(', ')}${edge}`
}

const withoutCounts = (word: string) => word.replace(/ \d.*/, '')
