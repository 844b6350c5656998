/** What `status` shows of each lineage, as rows and as a table of 80 columns. Pure. */
import { wrapped } from './columns.ts'
import { isPending, type Outcome } from './outcome.ts'
import { printable } from './printable.ts'
import type { Receipt } from './receipt.ts'

/** ok: uploaded as it stands · new, changed: the next pass uploads it · gone: no longer on disk · else as its fault says. */
export type State = 'ok' | 'new' | 'changed' | 'pending' | 'refused' | 'failed' | 'gone'

export interface StatusRow {
  readonly lineage: string
  readonly state: State
  readonly names: readonly string[]
  readonly notAfter: string | null
  readonly daysLeft: number | null
  readonly certificateId: string | null
  readonly uploadedAt: string | null
  readonly supersedes: readonly string[]
  /** Why, for everything that is not ok. */
  readonly reason: string | null
  readonly advice: string | null
}

const DAY = 86_400_000

export function statusRow(
  { outcome, receipt }: { readonly outcome?: Outcome; readonly receipt: Receipt | undefined },
  now: Date,
): StatusRow {
  const uploaded = receipt?.uploaded
  const notAfter = outcome?.bundle?.notAfter.toISOString() ?? uploaded?.notAfter ?? null
  const fault = outcome && 'fault' in outcome ? outcome.fault : undefined
  return {
    lineage: outcome?.lineage ?? receipt?.lineage ?? '',
    state: stateOf(outcome),
    names: outcome?.bundle?.names ?? uploaded?.names ?? [],
    notAfter,
    daysLeft: notAfter === null ? null : Math.floor((Date.parse(notAfter) - now.getTime()) / DAY),
    certificateId: uploaded?.certificateId ?? null,
    uploadedAt: uploaded?.uploadedAt ?? null,
    supersedes: receipt?.superseded.map(({ certificateId }) => certificateId) ?? [],
    reason: fault?.message ?? null,
    advice: fault?.advice ?? null,
  }
}

function stateOf(outcome: Outcome | undefined): State {
  switch (outcome?.outcome) {
    case undefined:
      return 'gone'
    case 'unchanged':
    case 'uploaded':
      return 'ok'
    case 'waiting':
      return 'failed'
    case 'planned':
      return outcome.because === 'changed' ? 'changed' : 'new'
    case 'refused':
      return 'refused'
    case 'failed':
      return isPending(outcome.fault) ? 'pending' : 'failed'
  }
}

const COLOUR: Readonly<Record<State, string>> = {
  ok: '32',
  new: '36',
  changed: '36',
  pending: '33',
  refused: '33',
  failed: '31',
  gone: '2',
}

const HEAD = ['LINEAGE', 'STATE', 'DAYS LEFT', 'CERTIFICATE ID', 'UPLOADED'] as const
/** What the other columns leave of 80, in characters. */
const LONGEST_NAME = 32

export interface Screen {
  readonly colours: boolean
  readonly columns: number
}

export function statusTable(rows: readonly StatusRow[], { colours, columns }: Screen): string {
  if (!rows.length) return 'No certificates: nothing on disk, nothing uploaded.\n'
  const cells = rows.map(cellsOf)
  const widths = HEAD.map((head, i) => Math.max(head.length, ...cells.map(row => row[i]?.length ?? 0)))
  const line = (row: readonly string[], state?: State) =>
    row
      .map((cell, i) => painted(cell.padEnd(widths[i] ?? 0), i === 1 && colours ? state : undefined))
      .join('  ')
      .trimEnd()
  const reasons = rows.flatMap(row => reasonLines(row, Math.max(40, columns)))
  const body = [line(HEAD), ...cells.map((row, i) => line(row, rows[i]?.state))]
  return `${[...body, ...(reasons.length ? ['', ...reasons] : [])].join('\n')}\n`
}

const cellsOf = ({ lineage, state, daysLeft, certificateId, uploadedAt }: StatusRow): readonly string[] => [
  shortened(printable(lineage, 300)),
  state,
  daysLeft === null ? '-' : String(daysLeft),
  certificateId === null ? '-' : printable(certificateId, 32),
  uploadedAt?.slice(0, 10) ?? '-',
]

const reasonLines = ({ lineage, reason, advice }: StatusRow, columns: number): readonly string[] =>
  reason === null
    ? []
    : [
        wrapped(printable(`${lineage}: ${reason}`, 1000), columns),
        `  → ${wrapped(advice ?? '', columns - 4, 4)}`,
      ]

const painted = (text: string, state: State | undefined) =>
  state ? `\u001b[${COLOUR[state]}m${text}\u001b[0m` : text

/** The end tells lineages apart as well as the beginning: the middle goes. */
function shortened(lineage: string): string {
  const characters = [...lineage]
  if (characters.length <= LONGEST_NAME) return lineage
  return [...characters.slice(0, 18), '…', ...characters.slice(-(LONGEST_NAME - 19))].join('')
}
