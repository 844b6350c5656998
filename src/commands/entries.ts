/** Writes entries to the log. */
import type { Outcome } from '../core/outcome.ts'
import { type Entry, entryOf } from '../core/report.ts'
import type { Log } from '../edge/log.ts'

export const write = (log: Log, { level, fields, message }: Entry) => log[level](fields, message)

/** A person reads a hook's output in the ACME client's log, where "nothing" would look like a hook that did not run. */
export function sayUnchanged(log: Log, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes)
    if (outcome.outcome === 'unchanged') write(log, { ...entryOf(outcome), level: 'info' })
}
