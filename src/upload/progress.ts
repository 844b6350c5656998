/** A line at the bottom of the terminal that counts what a long run has done; log lines appear above it. */
import type { ProcessContext } from '../processContext.ts'
import type { SyncAllDeps } from './syncAll.ts'

interface ProgressLine {
  /** Its standard output writes above the line. */
  readonly context: ProcessContext
  /** Shows a text at the bottom; an empty one removes it. */
  readonly show: (text: string) => void
  /** Does the work with dependencies that count its outcomes, and removes the line at the end. */
  readonly during: <T>(
    total: number,
    deps: SyncAllDeps,
    work: (deps: SyncAllDeps) => Promise<T>,
  ) => Promise<T>
}

/** The line appears after this time, if at least so many certificates remain. */
const SHOW_AFTER_MS = 1_000
const FEWEST = 20

export function createProgressLine(context: ProcessContext, wanted: boolean): ProgressLine {
  const { stdout, now } = context
  if (!wanted || !stdout.isTerminal)
    return { context, show: () => {}, during: (_total, deps, work) => work(deps) }
  let shown = ''
  // blanks and no escape sequences: they work on every terminal
  const show = (line: string, text = '') => {
    if (text || line !== shown) stdout.write((shown && `\r${' '.repeat(shown.length)}\r`) + text + line)
    shown = line
  }
  return {
    context: { ...context, stdout: { ...stdout, write: text => show(shown, text) } },
    show: text => show(text.slice(0, stdout.columns - 1)),
    during: async (total, deps, work) => {
      const started = now()
      const counts = { done: 0, uploaded: 0, failed: 0 }
      const report: SyncAllDeps['report'] = outcome => {
        counts.done += 1
        if (outcome.outcome === 'uploaded') counts.uploaded += 1
        if (outcome.outcome === 'failed') counts.failed += 1
        deps.report(outcome)
        const line = `${counts.done}/${total}  uploaded ${counts.uploaded}  failed ${counts.failed}`
        const isLong = now() - started >= SHOW_AFTER_MS && total - counts.done >= FEWEST
        if (shown || isLong) show(line.slice(0, stdout.columns - 1))
      }
      return work({ ...deps, report }).finally(() => show(''))
    },
  }
}
