/** Outcomes as log entries. Pure. */
import type { Left } from '../acme/retired.ts'
import { type Fault, FLAW_ADVICE, faultFields } from '../errors.ts'
import type { LogEntry, Logger } from '../log/logger.ts'
import type { UploadReason } from './decision.ts'
import { exitOf, isPending, type Outcome, summaryOf } from './outcome.ts'

export const traceOf = (error: unknown): readonly string[] =>
  error instanceof Error ? (error.stack ?? '').split('\n').filter(line => /^ +at /.test(line)) : []

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

/** What the log says when one of the account's faults ends the pass: once, not once a certificate. */
export const abortedEntry = (fault: Fault): LogEntry => ({
  level: 'error',
  fields: { event: 'stopped', ...faultFields(fault) },
  message: `stopped: ${fault.message}`,
})

/** What the log says when a second certificate meets the silence that has stopped the pass. */
const outageEntry = ({ code }: Fault): LogEntry => ({
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
    fields: { event: 'run_finished', summary, exit, elapsedMs },
    message: `${counts}, in ${elapsedMs < 1000 ? `${elapsedMs} ms` : `${(elapsedMs / 1000).toFixed(1)} s`}${exit === 0 ? '' : `; exit ${exit}`}`,
  }
}

export const logEntry = (log: Logger, { level, fields, message }: LogEntry) => log[level](fields, message)

/** What was done to the files of a certificate that is sent, and what clients may refuse it for. */
export function sayNotes(log: Logger, { outcome, lineage, bundle }: Outcome): void {
  if (outcome !== 'uploaded' && outcome !== 'planned') return
  const fields = { event: 'chain_adjusted', lineage }
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
  message: `${lineage} is ignored: it ${why}`,
})

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
    if (fault.code === 'INTERNAL_ERROR')
      log.error({ event: 'internal_error' }, traceOf(fault.cause).join(' '))
  }
}

export const logDamage = (log: Logger) => (what: string, setAside?: string) =>
  log.warn(
    {
      event: 'state_damaged',
      what,
      ...(setAside && { setAside }),
      advice: 'Nothing is lost: the next upload learns the certificate ID again.',
    },
    setAside ? `${what} could not be read and was set aside as ${setAside}` : `${what} cannot be read`,
  )
