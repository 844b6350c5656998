/** A line at the foot of the terminal that tells how far a long pass has come; log lines appear whole above it. */
import type { Output, ProcessContext } from '../processContext.ts'
import { durationText, progressBar } from '../terminal/text.ts'
import type { Outcome } from './outcome.ts'
import type { SyncAllDeps } from './syncAll.ts'

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

interface ProgressLine {
  /** For everybody else: the line steps aside for what is written to its standard output. */
  readonly world: ProcessContext
  /** Does the work with effects that count its outcomes; the line is gone when it ends. */
  readonly during: <T>(
    total: number,
    effects: SyncAllDeps,
    work: (effects: SyncAllDeps) => Promise<T>,
  ) => Promise<T>
}

/** What is over in a moment needs no line: it comes after a second, if this many are still to be done then. */
const SHOW_AFTER_MS = 1_000

const FEWEST = 20

/** A line that nothing happens to is drawn anew all the same: its rate falls and its time grows. */
const REFRESH = 1_000

export function createProgressLine(world: ProcessContext, wanted: boolean): ProgressLine {
  const { stdout, now } = world
  if (!wanted || !stdout.isTerminal) return { world, during: (_total, effects, work) => work(effects) }
  const foot = startProgressLine(stdout)
  let line = () => ''
  const write = (text: string) => foot.write(text, line())
  return {
    world: { ...world, stdout: { ...stdout, write } },
    during: async (total, effects, work) => {
      const started = now()
      let progress = progressOf(total, started)
      const isDue = () => now() - started >= SHOW_AFTER_MS && total - progress.done >= FEWEST
      // the last column stays free: a terminal that wraps there would leave a line behind
      line = () => (foot.isShown() || isDue() ? progressLine(progress, now(), stdout.columns - 1) : '')
      const tell: SyncAllDeps['report'] = outcome => {
        progress = advanced(progress, outcome, now())
        effects.report(outcome)
        write('')
      }
      const clock = setInterval(() => write(''), REFRESH)
      try {
        return await work({ ...effects, report: tell })
      } finally {
        clearInterval(clock)
        line = () => ''
        write('')
      }
    },
  }
}

/** Writes text above a last line. Blanks and no escapes clear it: every terminal knows them, a dumb one too. */
function startProgressLine({ write }: Pick<Output, 'write'>) {
  let shown = ''
  return {
    isShown: () => shown !== '',
    write: (text: string, line: string) => {
      const cleared = shown ? `\r${' '.repeat(shown.length)}\r` : ''
      if (text || !line) write(cleared + text + line)
      else if (line !== shown) write(`\r${line.padEnd(shown.length)}`)
      shown = line
    },
  }
}
