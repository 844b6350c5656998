/** How far a pass has come: counts, rate and time left, on one line. Pure: the clock is an argument, in milliseconds. */
import { progressBar } from './bar.ts'
import { durationText } from './duration.ts'
import type { Outcome } from './outcome.ts'

export interface Progress {
  readonly total: number
  readonly done: number
  readonly uploaded: number
  readonly failed: number
  /** When the last of them were done, oldest first. */
  readonly recent: readonly number[]
}

/**
 * The rate is that of the last so many: what needs no upload is done within moments, and says nothing of the rest. At
 * the service's ten a second these are five seconds.
 */
const RECENT = 50
/** Over less than this a rate is only noise. */
const SHORTEST = 1_000
const CELLS = { fewest: 5, most: 30 }

export const progressOf = (total: number, now: number): Progress => ({
  total,
  done: 0,
  uploaded: 0,
  failed: 0,
  recent: [now],
})

export const advanced = (
  progress: Progress,
  { outcome }: Pick<Outcome, 'outcome'>,
  now: number,
): Progress => ({
  total: progress.total,
  done: progress.done + 1,
  uploaded: progress.uploaded + (outcome === 'uploaded' ? 1 : 0),
  failed: progress.failed + (outcome === 'failed' ? 1 : 0),
  recent: [...progress.recent, now].slice(-RECENT - 1),
})

/** Counted up to now and not to the last one done: while nothing comes through, the rate falls. */
export function rateOf({ recent }: Progress, now: number): number | undefined {
  const span = now - (recent[0] ?? now)
  return recent.length > 1 && span >= SHORTEST ? ((recent.length - 1) * 1_000) / span : undefined
}

/** At most `columns` characters: what matters least goes first where they are few. */
export function progressLine(progress: Progress, now: number, columns: number): string {
  const { total, done, uploaded, failed } = progress
  const rate = rateOf(progress, now)
  const counts = `${String(done).padStart(String(total).length)}/${total}`
  const speed = rate === undefined ? [] : [`${rate < 99.95 ? rate.toFixed(1) : Math.round(rate)}/s`]
  const left = rate === undefined ? [] : [`${durationText(Math.ceil((total - done) / rate))} left`]
  const sums = [...(uploaded ? [`uploaded ${uploaded}`] : []), ...(failed ? [`failed ${failed}`] : [])]

  const forms = [
    [counts, ...sums, ...speed, ...left],
    [counts, ...speed, ...left],
    [counts, ...left],
    [counts],
  ]
  const fitting = forms.map(parts => parts.join('  ')).find(text => text.length <= columns) ?? ''
  const cells = Math.min(CELLS.most, columns - fitting.length - 3)
  return cells < CELLS.fewest ? fitting : `[${progressBar(done / total, cells)}] ${fitting}`
}
