/** The rows of `status` as a table for a terminal: 80 columns hold names of 36 characters. Pure. */
import { bar, displayWidth, durationText, pad, printableText, wrap } from '../terminal/text.ts'
import { STATES, type State, type StatusRow } from './status.ts'

/** Each reason once, however many meet it: an outage is one message and not one a certificate. */
function reasonLines(rows: readonly StatusRow[], columns: number, now: Date): readonly string[] {
  const alike = Map.groupBy(
    rows.filter(({ reason }) => reason !== null),
    ({ state, reason, advice }) => JSON.stringify([state, reason, advice]),
  )
  return [...alike.values()].map(group => {
    const [{ lineage, reason, advice } = rows[0] as StatusRow] = group
    const who = group.length === 1 ? lineage : `${lineage} and ${group.length - 1} more`
    const text = wrap(printableText(`${who}: ${timesText(group, now)}${reason}`, 1000), columns)
    return advice === null ? text : `${text}\n  → ${wrap(advice, columns - 4, 4)}`
  })
}

function timesText(group: readonly StatusRow[], now: Date): string {
  const earliest = (times: ReadonlyArray<string | null>) => times.filter(time => time !== null).sort()[0]
  const since = earliest(group.map(({ failingSince }) => failingSince))
  const next = earliest(group.map(({ nextLook }) => nextLook))
  if (since === undefined || next === undefined) return ''
  const seconds = (Date.parse(next) - now.getTime()) / 1000
  const when = seconds > 0 ? `in ${durationText(seconds)}` : 'is due'
  return `failing since ${since.slice(0, 16).replace('T', ' ')} UTC, next look ${when}: `
}

/** The last line: on a small terminal it stays in sight when the table has scrolled away. */
function summaryLine(rows: readonly StatusRow[], columns: number): string {
  const counts = STATES.map(state => [rows.filter(row => row.state === state).length, state] as const)
  const parts = counts.flatMap(([count, state]) => (count ? [`${count} ${state}`] : []))
  return wrap(`${rows.length} certificate${rows.length === 1 ? '' : 's'}: ${parts.join(', ')}`, columns)
}

interface Screen {
  readonly colours: boolean
  readonly columns: number
}

const COLOUR: Readonly<Record<State, string>> = {
  ok: '32',
  new: '36',
  changed: '36',
  pending: '33',
  expiring: '33',
  expired: '31',
  failing: '31',
  rejected: '31',
  refused: '33',
  failed: '31',
  gone: '2',
}

const DIM = '2'

const HEAD = ['LINEAGE', 'STATE', 'DAYS LEFT', 'ID', 'UPLOADED'] as const

const GAP = '  '

/** A bar's cells: a multiple of three, for then a third of a life is a whole number of them. */
const CELLS = { fewest: 6, most: 12 }

const SHORTEST_NAME = 12

export function statusTable(rows: readonly StatusRow[], screen: Screen, now: Date): string {
  if (!rows.length) return 'No certificates: nothing on disk, nothing uploaded.\n'
  const columns = Math.max(40, screen.columns)
  const below = [...reasonLines(rows, columns, now), summaryLine(rows, columns)]
  return `${[...tableLines(rows, screen), ...below.flatMap(text => ['', text])].join('\n')}\n`
}

function tableLines(rows: readonly StatusRow[], { colours, columns }: Screen): readonly string[] {
  const layout = layoutOf(rows, columns)
  const line = (texts: readonly string[], colourOf: readonly string[] = []) =>
    texts
      .map((text, i) => painted(pad(text, layout.widths[i] ?? 0), colourOf[i]))
      .join(GAP)
      .trimEnd()
  const lines = rows.flatMap(row => {
    const colourOf = colours ? ['', COLOUR[row.state], lifeColour(row.lifeLeft)] : []
    const names = namesText(row, columns - GAP.length)
    const texts = [
      shortened(nameText(row), layout.widths[0]),
      row.state,
      lifeText(row, layout),
      idText(row),
      uploadedText(row),
    ]
    return [line(texts, colourOf), ...(names ? [GAP + painted(names, colours ? DIM : '')] : [])]
  })
  return [line(HEAD), ...lines]
}

interface Layout {
  readonly widths: readonly [number, number, number, number, number]
  readonly cells: number
  readonly digits: number
}

/** Bars grow into what the names leave, and names are cut only where the shortest bar leaves too little. */
function layoutOf(rows: readonly StatusRow[], columns: number): Layout {
  const widest = (head: string, textOf: (row: StatusRow) => string) =>
    Math.max(head.length, ...rows.map(row => displayWidth(textOf(row))))
  const [state, id, uploaded] = [
    widest(HEAD[1], row => row.state),
    widest(HEAD[3], idText),
    widest(HEAD[4], uploadedText),
  ]
  const [name, digits] = [widest(HEAD[0], nameText), widest('', daysText)]
  const room = columns - (HEAD.length - 1) * GAP.length - state - id - uploaded
  const spare = Math.floor((room - name - digits - 1) / 3) * 3
  const cells = Math.min(CELLS.most, Math.max(CELLS.fewest, spare))
  const life = Math.max(HEAD[2].length, cells + 1 + digits)
  return {
    widths: [Math.min(name, Math.max(SHORTEST_NAME, room - life)), state, life, id, uploaded],
    cells,
    digits,
  }
}

const nameText = ({ lineage }: StatusRow) => printableText(lineage, 300)

const daysText = ({ daysLeft }: StatusRow) => (daysLeft === null ? '-' : String(daysLeft))

const lifeText = (row: StatusRow, { cells, digits }: Layout) =>
  row.lifeLeft === null ? '-' : `${bar(row.lifeLeft, cells)} ${daysText(row).padStart(digits)}`

const lifeColour = (lifeLeft: number | null) =>
  lifeLeft === null ? '' : lifeLeft === 0 ? COLOUR.expired : lifeLeft < 1 / 3 ? COLOUR.expiring : COLOUR.ok

const idText = ({ certificateId }: StatusRow) =>
  certificateId === null ? '-' : printableText(certificateId, 32)

const uploadedText = ({ uploadedAt }: StatusRow) => uploadedAt?.slice(0, 10) ?? '-'

/** The names that the lineage does not tell by its own, on one line. */
function namesText({ lineage, names }: StatusRow, width: number): string {
  const own = lineage.slice(lineage.indexOf(':') + 1).replace(/_ecc$/, '')
  const others = names.filter(name => name !== own).map(name => printableText(name, 300))
  const more = (shown: number) => (shown < others.length ? ` and ${others.length - shown} more` : '')
  for (let shown = Math.min(others.length, width); shown > 0; shown--) {
    const text = others.slice(0, shown).join(', ') + more(shown)
    if (displayWidth(text) <= width) return text
  }
  return others[0] ? shortened(others[0], width - more(1).length) + more(1) : ''
}

const painted = (text: string, colour: string | undefined) =>
  colour ? `\u001b[${colour}m${text}\u001b[0m` : text

/** The end tells lineages apart as well as the beginning: the middle goes. */
function shortened(name: string, most: number): string {
  if (displayWidth(name) <= most) return name
  const characters = [...name]
  const head = fitting(characters, Math.ceil((most - 1) * 0.58))
  const tail = fitting(characters.toReversed(), most - 1 - displayWidth(head.join('')))
  return [...head, '…', ...tail.toReversed()].join('')
}

function fitting(characters: readonly string[], most: number): readonly string[] {
  let left = most
  const end = characters.findIndex(one => {
    left -= displayWidth(one)
    return left < 0
  })
  return end < 0 ? characters : characters.slice(0, end)
}
