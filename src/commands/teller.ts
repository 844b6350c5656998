/** Says in the log what becomes of lineages and their receipts. */
import type { Fault } from '../core/fault.ts'
import type { Outcome } from '../core/outcome.ts'
import { abortedEntry, outageEntry, outcomeEntry } from '../core/report.ts'
import { traceOf } from '../core/trace.ts'
import type { Logger } from '../edge/log.ts'
import { logEntry, sayNotes } from './entries.ts'

/** One entry an outcome; a fault that stopped the pass, and which every certificate meets, is said once. */
export function outcomeLogger(log: Logger): (outcome: Outcome) => void {
  const said = new Set<Fault>()
  let stopped = false
  return outcome => {
    sayNotes(log, outcome)
    if (outcome.outcome === 'unchanged' && log.debugs === false) return
    const entry = outcomeEntry(outcome)
    if (outcome.outcome !== 'failed') return logEntry(log, entry)
    const { fault } = outcome
    const repeated = said.has(fault)
    said.add(fault)
    if (fault.scope === 'account' && !repeated) logEntry(log, abortedEntry(fault))
    if (fault.silent && repeated && !stopped) logEntry(log, outageEntry(fault))
    stopped ||= fault.silent && repeated
    logEntry(log, repeated || fault.scope === 'account' ? { ...entry, level: 'debug' } : entry)
    if (fault.code === 'BUG') log.error({ event: 'bug' }, traceOf(fault.cause).join(' '))
  }
}

export const logCorruptReceipt = (log: Logger) => (file: string, aside: string) =>
  log.warn(
    {
      event: 'damaged',
      file,
      aside,
      advice: 'Nothing is lost: the next upload learns the certificate ID again.',
    },
    `${file} could not be read as a receipt and was set aside as ${aside}`,
  )
