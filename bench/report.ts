/** The table of a run: for a terminal, for docs/performance.md, and as JSON. Pure. */
import type { Row } from './catalogue.ts'
import { type Machine, machineText } from './machine.ts'
import { type Figure, shown, type Verdict, verdictOf } from './verdict.ts'

export interface Report {
  readonly date: string
  readonly commit: string
  readonly seconds: number
  readonly quick: boolean
  readonly machine: Machine
  readonly rows: readonly Judged[]
  /** Names of those that were drawn. */
  readonly plots: readonly string[]
}

export interface Judged {
  readonly row: Row
  readonly figure: Figure | undefined
  readonly verdict: Verdict
  /** Why there is no figure. */
  readonly fault?: string
}

export const judged = (row: Row, figure: Figure | undefined, fault?: string): Judged => ({
  row,
  figure,
  verdict: verdictOf(row, figure),
  ...(fault !== undefined && { fault }),
})

const HEAD = ['row', 'what', 'against', 'measured', 'target', 'verdict', 'figures'] as const

const cells = ({ row, figure, verdict, fault }: Judged): readonly string[] => [
  row.id,
  row.what,
  row.against,
  figure ? shown(row, figure) : '–',
  verdict === 'shown' ? '–' : row.target,
  verdict,
  figure?.says ?? fault ?? '',
]

/** The words are the documentation's; on a terminal the id stands for them. */
export function tableText(rows: readonly Judged[]): string {
  const lines = [HEAD, ...rows.map(cells)].map(([id = '', , against = '', ...rest]) => [id, against, ...rest])
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map(line => line[i]?.length ?? 0))) ?? []
  return lines
    .map(line =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const markdownLine = (line: readonly string[]) =>
  `| ${line.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`

export function markdown({ rows, machine, date, commit, seconds, plots }: Report): string {
  const head = HEAD.slice(1)
  return [
    `Measured on ${date} at ${commit} by \`npm run bench -- --write\`, which took ${seconds.toFixed(0)} s.`,
    `${machineText(machine)}.`,
    '',
    markdownLine(head),
    markdownLine(head.map(() => '---')).replaceAll(' ', ''),
    ...rows.map(row => markdownLine(cells(row).slice(1))),
    '',
    ...plots.flatMap(name => [`![${name.replaceAll('-', ' ')}](performance/${name}.svg)`, '']),
  ].join('\n')
}

const BEGIN = '<!-- measured: begin -->'
const END = '<!-- measured: end -->'

/** The document with what stands between its marks replaced. @throws where it has no marks. */
export function written(document: string, measured: string): string {
  const [from, to] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`the document has no place between ${BEGIN} and ${END}`)
  return `${document.slice(0, from + BEGIN.length)}\n\n${measured.trim()}\n\n${document.slice(to)}`
}

/** One line for the end of a run. */
export function summary(rows: readonly Judged[]): string {
  const of = (verdict: Verdict) => rows.filter(one => one.verdict === verdict).map(({ row }) => row.id)
  const said = (['met', 'short', 'not measured'] as const).map(verdict => {
    const ids = of(verdict)
    return `${ids.length} ${verdict}${verdict !== 'met' && ids.length ? ` (${ids.join(', ')})` : ''}`
  })
  return said.join(', ')
}
