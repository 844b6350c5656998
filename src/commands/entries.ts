/** Writes entries to the log. */
import type { Outcome } from '../core/outcome.ts'
import { type Entry, entryOf } from '../core/report.ts'
import type { Left } from '../edge/lineages.ts'
import type { Log } from '../edge/log.ts'

export const write = (log: Log, { level, fields, message }: Entry) => log[level](fields, message)

/** A person reads a hook's output in the ACME client's log, where "nothing" would look like a hook that did not run. */
export function sayUnchanged(log: Log, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes)
    if (outcome.outcome === 'unchanged') write(log, { ...entryOf(outcome), level: 'info' })
}

/** Of a certificate that lies in a client's folder and is none of the client's any more. */
export const leftEntry = ({ lineage, why }: Left): Entry => ({
  level: 'info',
  fields: { event: 'left', lineage },
  message: `${lineage} is left alone: it ${why}`,
})
