/** A line at the foot of the terminal that tells how far a long pass has come; log lines appear whole above it. */
import { advanced, progressLine, progressOf } from '../core/progress.ts'
import type { SyncAllDeps } from '../pass.ts'
import type { Output, ProcessContext } from '../world.ts'

export interface ProgressLine {
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
