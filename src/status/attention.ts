/** What `status` says before its table: why uploads are paused, and what needs a person. Pure. */
import { isPaused, type Pause } from '../receipts/pause.ts'
import { durationText, minuteText, printableText, wrap } from '../terminal/text.ts'
import type { StatusRow } from './status.ts'
import { edgeWord } from './table.ts'

export interface Note {
  readonly text: string
  readonly advice: string | null
}

const QUIET: ReadonlySet<string> = new Set(['ok', 'new', 'changed', 'pending', 'removed'])

const QUIET_EDGES = /^(-|(ok|replaced|due|replacing|waiting|not bound)\b)/

/** Whether something is wrong with it that does not pass by itself. */
export const isFailing = (row: StatusRow): boolean =>
  !QUIET.has(row.state) ||
  (row.reason !== null && row.state !== 'pending') ||
  !QUIET_EDGES.test(edgeWord(row))

/** Undefined where the pause is over. */
export function pauseNote(pause: Pause | undefined, now: Date): Note | undefined {
  if (!pause || !isPaused(pause, now)) return undefined
  return {
    text: `Uploads of the daemon are paused until ${minuteText(pause.until)}, since ${minuteText(pause.since)}: ${pause.message}`,
    advice: `${pause.advice} New credentials end the pause at once, \`certferry sync\` tries now.`,
  }
}

/** Each reason once: an outage is one note, not one for each certificate. */
export function reasonNotes(rows: readonly StatusRow[], now: Date): readonly Note[] {
  const groups = Map.groupBy(
    rows.filter(({ reason }) => reason !== null),
    ({ state, reason, advice }) => JSON.stringify([state, reason, advice]),
  )
  return [...groups.values()]
    .toSorted((one, other) => Number(isMild(one[0])) - Number(isMild(other[0])))
    .map(group => {
      const [{ reason, advice } = rows[0] as StatusRow] = group
      return { text: `${namesOf(group)}: ${retryText(group, now)}${reason}`, advice }
    })
}

const isMild = (row: StatusRow | undefined) => row !== undefined && QUIET.has(row.state)

/** Why a certificate is not in place, or not known to be. */
export function edgeNotes(rows: readonly StatusRow[], now: Date): readonly Note[] {
  const groups = Map.groupBy(
    rows.filter(({ replacement }) => replacement?.reason),
    ({ replacement }) => JSON.stringify([replacement?.state, replacement?.reason, replacement?.advice]),
  )
  return [...groups.values()].map(group => {
    const next = earliest(group.map(({ replacement }) => replacement?.nextCheckAt ?? null))
    const again = next === undefined ? '' : ` (next check ${whenText(next, now)})`
    const { reason, advice } = group[0]?.replacement ?? {}
    return {
      text: `${namesOf(group)}: ${edgeWord(group[0] as StatusRow)}: ${reason}${again}`,
      advice: advice ?? null,
    }
  })
}

export function noteText({ text, advice }: Note, screenColumns: number): string {
  const columns = Math.max(40, screenColumns)
  const says = wrap(printableText(text, 1000), columns)
  return advice === null ? says : `${says}\n  → ${wrap(printableText(advice, 1000), columns - 4, 4)}`
}

const namesOf = (group: readonly StatusRow[]) =>
  group.length === 1 ? group[0]?.lineage : `${group[0]?.lineage} and ${group.length - 1} more`

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
  return `retrying since ${minuteText(since)}, next attempt ${whenText(next, now)}: `
}
