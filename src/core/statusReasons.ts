/** What stands below the table of `status`: why rows are not well, what to do, and the sum of it all. Pure. */
import { wrap } from './columns.ts'
import { durationText } from './duration.ts'
import { printableText } from './printable.ts'
import { STATES, type StatusRow } from './status.ts'

/** Each reason once, however many meet it: an outage is one message and not one a certificate. */
export function reasonLines(rows: readonly StatusRow[], columns: number, now: Date): readonly string[] {
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
export function summaryLine(rows: readonly StatusRow[], columns: number): string {
  const counts = STATES.map(state => [rows.filter(row => row.state === state).length, state] as const)
  const parts = counts.flatMap(([count, state]) => (count ? [`${count} ${state}`] : []))
  return wrap(`${rows.length} certificate${rows.length === 1 ? '' : 's'}: ${parts.join(', ')}`, columns)
}
