/** Logs how replacements come further: each news once, and a stale edge after each verification. */
import { type Fault, faultFields } from '../errors.ts'
import type { Logger } from '../log/logger.ts'
import type { Replacement } from '../receipts/replacement.ts'
import { replacementEntry } from './report.ts'

interface Known {
  readonly replacement: Replacement | undefined
  /** What was said of the certificate that is put in place. */
  readonly said: Set<string>
}

export interface ReplacementLog {
  /** What an earlier run has recorded, and said. Only the first is taken. */
  readonly recalled: (lineage: string, replacement: Replacement | undefined) => void
  readonly changed: (lineage: string, replacement: Replacement) => void
  /** Older certificates are bound nowhere, and could not be silenced or deleted. */
  readonly notRetired: (lineage: string, fault: Fault) => void
}

export function createReplacementLog(log: Logger): ReplacementLog {
  const known = new Map<string, Known>()
  const notRetired = new Set<string>()
  return {
    recalled: (lineage, replacement) => {
      if (!known.has(lineage)) known.set(lineage, { replacement, said: new Set() })
    },
    changed: (lineage, replacement) => {
      const before = known.get(lineage)
      const isSame = before?.replacement?.to === replacement.to
      const said = before && isSame ? before.said : new Set<string>()
      known.set(lineage, { replacement, said })
      const entry = replacementEntry(lineage, replacement, before?.replacement)
      if (!entry) return
      const { fields, message } = entry
      const isRepeated = said.has(message) && replacement.state !== 'stale'
      said.add(message)
      log[isRepeated ? 'debug' : entry.level](fields, message)
    },
    notRetired: (lineage, fault) => {
      const message = `${lineage}: not all superseded certificates are retired: ${fault.message}`
      const level = notRetired.has(message) ? 'debug' : 'warn'
      notRetired.add(message)
      log[level]({ event: 'retirement_failed', lineage, ...faultFields(fault) }, message)
    },
  }
}
