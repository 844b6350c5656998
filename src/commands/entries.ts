/** Writes entries to the log. */
import { FLAW_ADVICE } from '../core/advice.ts'
import type { Outcome } from '../core/outcome.ts'
import { type LogEntry, outcomeEntry } from '../core/report.ts'
import type { Left } from '../edge/kept.ts'
import type { Logger } from '../edge/log.ts'

export const logEntry = (log: Logger, { level, fields, message }: LogEntry) => log[level](fields, message)

/** What was done to the files of a certificate that is sent, and what clients may refuse it for. */
export function sayNotes(log: Logger, { outcome, lineage, bundle }: Outcome): void {
  if (outcome !== 'uploaded' && outcome !== 'planned') return
  const fields = { event: 'note', lineage }
  for (const flaw of bundle?.flaws ?? []) log.warn({ ...fields, advice: FLAW_ADVICE }, `${lineage}: ${flaw}`)
  for (const note of bundle?.notes ?? []) log.info(fields, `${lineage}: ${note}`)
}

/** A person reads a hook's output in the ACME client's log, where "nothing" would look like a hook that did not run. */
export function logUnchanged(log: Logger, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes)
    if (outcome.outcome === 'unchanged') logEntry(log, { ...outcomeEntry(outcome), level: 'info' })
}

/** Of a certificate that lies in a client's folder and is none of the client's any more. */
export const leftEntry = ({ lineage, why }: Left): LogEntry => ({
  level: 'info',
  fields: { event: 'left', lineage },
  message: `${lineage} is left alone: it ${why}`,
})
