/** Whether uploads get through: an outage is told of once, and its end is noticed by all. Pure. */
import type { Fault } from './fault.ts'

export interface OutageDetectorDeps {
  /** Told once that nobody answers any more. */
  readonly onSilence: (fault: Fault) => void
  /** Told when an upload gets through after others had failed. */
  readonly onReturn: () => void
}

export interface OutageDetector {
  /** An upload leaves. */
  readonly attempt: () => Attempt
}

export interface Attempt {
  readonly succeeded: () => void
  readonly failed: (fault: Fault) => void
}

/** What fails while others come through is a matter of its own, and no weather. */
export function createOutageDetector({ onSilence, onReturn }: OutageDetectorDeps): OutageDetector {
  let through = 0
  let foul = false
  let silent = false
  return {
    attempt: () => {
      const before = through
      return {
        succeeded: () => {
          through += 1
          if (foul) onReturn()
          foul = false
          silent = false
        },
        failed: fault => {
          if (fault.retry !== 'later' || fault.scope === 'account' || through > before) return
          foul = true
          if (fault.silent && !silent) onSilence(fault)
          silent ||= fault.silent
        },
      }
    },
  }
}
