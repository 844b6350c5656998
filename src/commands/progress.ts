/** A line at the foot of the terminal that tells how far a long pass has come; log lines appear whole above it. */
import { advanced, progressLine, progressOf } from '../core/progress.ts'
import type { PassEffects } from '../pass.ts'
import type { Output, World } from '../world.ts'

export interface Footer {
  /** For everybody else: the line steps aside for what is written to its standard output. */
  readonly world: World
  /** Does the work with effects that count its outcomes; the line is gone when it ends. */
  readonly during: <T>(
    total: number,
    effects: PassEffects,
    work: (effects: PassEffects) => Promise<T>,
  ) => Promise<T>
}

/** What is over in a moment needs no line: it comes after a second, if this many are still to be done then. */
const PATIENCE = 1_000
const FEWEST = 20
/** A line that nothing happens to is drawn anew all the same: its rate falls and its time grows. */
const REFRESH = 1_000

export function openFooter(world: World, wanted: boolean): Footer {
  const { stdout, now } = world
  if (!wanted || !stdout.isTerminal) return { world, during: (_total, effects, work) => work(effects) }
  const foot = openFoot(stdout)
  let line = () => ''
  const write = (text: string) => foot.write(text, line())
  return {
    world: { ...world, stdout: { ...stdout, write } },
    during: async (total, effects, work) => {
      const started = now()
      let progress = progressOf(total, started)
      const isDue = () => now() - started >= PATIENCE && total - progress.done >= FEWEST
      // the last column stays free: a terminal that wraps there would leave a line behind
      line = () => (foot.isShown() || isDue() ? progressLine(progress, now(), stdout.columns - 1) : '')
      const tell: PassEffects['tell'] = outcome => {
        progress = advanced(progress, outcome, now())
        effects.tell(outcome)
        write('')
      }
      const clock = setInterval(() => write(''), REFRESH)
      try {
        return await work({ ...effects, tell })
      } finally {
        clearInterval(clock)
        line = () => ''
        write('')
      }
    },
  }
}

/** Writes text above a last line. Blanks and no escapes clear it: every terminal knows them, a dumb one too. */
function openFoot({ write }: Pick<Output, 'write'>) {
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
