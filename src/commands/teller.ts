/** Says in the log what becomes of lineages and their receipts. */
import type { Fault } from '../core/fault.ts'
import type { Outcome } from '../core/outcome.ts'
import { entryOf, silenceEntry, stopEntry } from '../core/report.ts'
import { traceOf } from '../core/trace.ts'
import type { Log } from '../edge/log.ts'
import { sayNotes, write } from './entries.ts'

/** One entry an outcome; a fault that stopped the pass, and which every certificate meets, is said once. */
export function teller(log: Log): (outcome: Outcome) => void {
  const said = new Set<Fault>()
  let stopped = false
  return outcome => {
    sayNotes(log, outcome)
    if (outcome.outcome === 'unchanged' && log.debugs === false) return
    const entry = entryOf(outcome)
    if (outcome.outcome !== 'failed') return write(log, entry)
    const { fault } = outcome
    const repeated = said.has(fault)
    said.add(fault)
    if (fault.scope === 'account' && !repeated) write(log, stopEntry(fault))
    if (fault.silent && repeated && !stopped) write(log, silenceEntry(fault))
    stopped ||= fault.silent && repeated
    write(log, repeated || fault.scope === 'account' ? { ...entry, level: 'debug' } : entry)
    if (fault.code === 'BUG') log.error({ event: 'bug' }, traceOf(fault.cause).join(' '))
  }
}

export const sayDamaged = (log: Log) => (file: string, aside: string) =>
  log.warn(
    {
      event: 'damaged',
      file,
      aside,
      advice: 'Nothing is lost: the next upload learns the certificate ID again.',
    },
    `${file} could not be read as a receipt and was set aside as ${aside}`,
  )
