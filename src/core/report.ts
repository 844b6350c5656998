/** Outcomes as log entries. Pure. */
import type { Fault } from './fault.ts'
import { exitOf, faultJson, isPending, type Outcome, summaryOf } from './outcome.ts'
import type { UploadReason } from './plan.ts'

export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  /** Says by itself all that a person needs; the fields are for machines. */
  readonly message: string
}

const reasonText = (because: UploadReason) =>
  because === 'older' ? 'older: it begins and ends before the one uploaded last' : because

const adviceOn = (because: UploadReason) =>
  because === 'older' && { advice: 'See whether the files went back to an older certificate.' }

const day = (date: Date) => date.toISOString().slice(0, 10)

/** What the log says of one lineage. */
export function outcomeEntry(outcome: Outcome): LogEntry {
  const { lineage, bundle, elapsedMs } = outcome
  const about = {
    event: outcome.outcome,
    lineage,
    ...(bundle && {
      names: bundle.names,
      notAfter: bundle.notAfter.toISOString(),
      fingerprint: bundle.fingerprint,
    }),
    elapsedMs,
  }
  const until = bundle ? `valid until ${day(bundle.notAfter)}` : ''
  switch (outcome.outcome) {
    case 'uploaded': {
      const { certificateId, requestId, because, attempts, reused, supersedes } = outcome
      const details = [
        reasonText(because),
        until,
        ...(reused
          ? [
              (because === 'changed' || because === 'older') && !supersedes
                ? 'the service kept its copy of the same leaf'
                : 'the service already had it',
            ]
          : []),
        ...(supersedes ? [`replaces ${supersedes}`] : []),
      ]
      return {
        level: because === 'older' ? 'warn' : 'info',
        fields: {
          ...about,
          certificateId,
          requestId,
          because,
          attempts,
          reused,
          supersedes,
          ...adviceOn(because),
        },
        message: `${lineage} uploaded as ${certificateId} (${details.join(', ')})`,
      }
    }
    case 'unchanged': {
      const { certificateId, because } = outcome
      return {
        level: 'debug',
        fields: { ...about, certificateId, because },
        message: `${lineage} unchanged, ${certificateId} (${until})`,
      }
    }
    case 'waiting':
      return {
        level: 'debug',
        fields: { ...about, until: outcome.until.toISOString() },
        message: `${lineage} waits for its next attempt at ${outcome.until.toISOString()}`,
      }
    case 'planned':
      return {
        level: outcome.because === 'older' ? 'warn' : 'info',
        fields: { ...about, because: outcome.because, ...adviceOn(outcome.because) },
        message: `${lineage} would be uploaded (${reasonText(outcome.because)}, ${until})`,
      }
    case 'refused':
      return {
        level: 'warn',
        fields: { ...about, because: outcome.because, ...faultFields(outcome.fault) },
        message: `${lineage} not uploaded: ${outcome.fault.message}`,
      }
    case 'failed': {
      const pending = isPending(outcome.fault)
      return {
        level: pending ? 'warn' : 'error',
        fields: { ...about, ...faultFields(outcome.fault) },
        message: `${lineage} ${pending ? 'pending' : 'failed'}: ${outcome.fault.message}`,
      }
    }
  }
}

/** A fault's members for a log entry; the message itself is the entry's. */
export function faultFields(fault: Fault) {
  const { message: _, ...fields } = faultJson(fault)
  return fields
}

/** What the log says when one of the account's faults ends the pass: once, not once a certificate. */
export const abortedEntry = (fault: Fault): LogEntry => ({
  level: 'error',
  fields: { event: 'stopped', ...faultFields(fault) },
  message: `stopped: ${fault.message}`,
})

/** What the log says when a second certificate meets the silence that has stopped the pass. */
export const outageEntry = ({ code }: Fault): LogEntry => ({
  level: 'warn',
  fields: { event: 'stopped', code },
  message: 'stopped: nobody answers, so what was not sent is left to the next pass',
})

/** The pass in one line: only what there was, in the order of interest. */
export function summaryEntry(outcomes: readonly Outcome[], elapsedMs: number): LogEntry {
  const [summary, exit] = [summaryOf(outcomes), exitOf(outcomes)]
  const pending = outcomes.filter(outcome => outcome.outcome === 'failed' && isPending(outcome.fault)).length
  const shown = { ...summary, failed: summary.failed - pending, pending }
  const parts = Object.entries(shown).filter(([, count]) => count > 0)
  const counts = parts.map(([kind, count]) => `${count} ${kind}`).join(', ') || 'no certificates'
  return {
    level: exit === 0 ? 'info' : 'warn',
    fields: { event: 'pass', summary, exit, elapsedMs },
    message: `${counts}, in ${elapsedMs < 1000 ? `${elapsedMs} ms` : `${(elapsedMs / 1000).toFixed(1)} s`}${exit === 0 ? '' : `; exit ${exit}`}`,
  }
}
