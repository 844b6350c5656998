/** Outcomes as log entries. Pure. */
import type { Left } from '../acme/retired.ts'
import { type Fault, FLAW_ADVICE, faultFields } from '../errors.ts'
import type { LogEntry, Logger } from '../log/logger.ts'
import { isUnderWay } from '../receipts/replacement.ts'
import type { UploadReason } from './decision.ts'
import { exitOf, isPending, type Outcome, summaryOf } from './outcome.ts'

/** The lines of an error's stack, without its message. */
export const traceOf = (error: unknown): readonly string[] =>
  error instanceof Error ? (error.stack ?? '').split('\n').filter(line => /^ +at /.test(line)) : []

const day = (date: Date) => date.toISOString().slice(0, 10)

const MEMBERS = ['certificateId', 'requestId', 'because', 'attempts', 'reused', 'supersedes'] as const

/** The fields of an outcome, member by member: what is not named here is not logged. */
function fieldsOf(outcome: Outcome) {
  const { bundle, outcome: event, lineage, elapsedMs } = outcome
  const members = MEMBERS.flatMap(name => (name in outcome ? [[name, outcome[name as never]]] : []))
  return {
    event,
    lineage,
    ...(bundle && {
      names: bundle.names,
      notAfter: bundle.notAfter.toISOString(),
      fingerprint: bundle.fingerprint,
    }),
    elapsedMs,
    ...Object.fromEntries(members),
    ...(isOlder(outcome) && { advice: 'See whether the files went back to an older certificate.' }),
    ...('until' in outcome && { until: outcome.until.toISOString() }),
    ...('fault' in outcome && faultFields(outcome.fault)),
  }
}

const isOlder = (outcome: Outcome) => 'because' in outcome && outcome.because === 'older'

const reasonText = (because: UploadReason) =>
  because === 'older' ? 'older: it begins and ends before the one uploaded last' : because

function uploadDetails({ because, reused, supersedes }: Extract<Outcome, { outcome: 'uploaded' }>): string {
  const isCopy = (because === 'changed' || because === 'older') && !supersedes
  const reuse = isCopy ? 'the service kept its copy of the same leaf' : 'the service already had it'
  return `${reused ? `, ${reuse}` : ''}${supersedes ? `, replaces ${supersedes}` : ''}`
}

/** The log entry for one outcome. */
export function outcomeEntry(outcome: Outcome): LogEntry {
  const { lineage, bundle } = outcome
  const fields = fieldsOf(outcome)
  const valid = bundle ? `valid until ${day(bundle.notAfter)}` : ''
  const entry = (level: LogEntry['level'], text: string) => ({ level, fields, message: `${lineage} ${text}` })
  switch (outcome.outcome) {
    case 'uploaded': {
      const details = `${reasonText(outcome.because)}, ${valid}${uploadDetails(outcome)}`
      return entry(isOlder(outcome) ? 'warn' : 'info', `uploaded as ${outcome.certificateId} (${details})`)
    }
    case 'unchanged':
      return entry('debug', `unchanged, ${outcome.certificateId} (${valid})`)
    case 'waiting':
      return entry('debug', `waits for its next attempt at ${outcome.until.toISOString()}`)
    case 'planned':
      return entry(
        isOlder(outcome) ? 'warn' : 'info',
        `would be uploaded (${reasonText(outcome.because)}, ${valid})`,
      )
    case 'refused':
      return entry('warn', `not uploaded: ${outcome.fault.message}`)
    case 'failed':
      return isPending(outcome.fault)
        ? entry('warn', `pending: ${outcome.fault.message}`)
        : entry('error', `failed: ${outcome.fault.message}`)
  }
}

/** A fault of the account has stopped the run: logged once, not once for each certificate. */
export const abortedEntry = (fault: Fault): LogEntry => ({
  level: 'error',
  fields: { event: 'stopped', ...faultFields(fault) },
  message: `stopped: ${fault.message}`,
})

/** A second certificate gets no answer, which has stopped the run. */
const outageEntry = ({ code }: Fault): LogEntry => ({
  level: 'warn',
  fields: { event: 'stopped', code },
  message: 'stopped: the service does not answer; the next run sends the rest',
})

/** The run in one line; `where` stands for what was looked at where there was nothing. */
export function summaryEntry(outcomes: readonly Outcome[], elapsedMs: number, where = ''): LogEntry {
  const [summary, exit] = [summaryOf(outcomes), exitOf(outcomes)]
  const pending = outcomes.filter(outcome => outcome.outcome === 'failed' && isPending(outcome.fault)).length
  const left = outcomes.filter(
    ({ replacement }) => replacement?.fault && !isUnderWay(replacement) && replacement.planned === undefined,
  ).length
  const counts = { ...summary, failed: summary.failed - pending, pending, 'not replaced': left }
  const parts = Object.entries(counts).flatMap(([kind, count]) => (count > 0 ? [`${count} ${kind}`] : []))
  const time = elapsedMs < 1000 ? `${elapsedMs} ms` : `${(elapsedMs / 1000).toFixed(1)} s`
  return {
    level: exit === 0 ? 'info' : 'warn',
    fields: { event: 'run_finished', summary, exit, elapsedMs },
    message: `${parts.join(', ') || `no certificates${where}`}, in ${time}${exit === 0 ? '' : `; exit ${exit}`}`,
  }
}

export const logEntry = (log: Logger, { level, fields, message }: LogEntry) => log[level](fields, message)

/** How the chain of a certificate that is uploaded was changed, and what clients may refuse it for. */
export function sayNotes(log: Logger, { outcome, lineage, bundle }: Outcome): void {
  if (outcome !== 'uploaded' && outcome !== 'planned') return
  const fields = { event: 'chain_adjusted', lineage }
  for (const flaw of bundle?.flaws ?? []) log.warn({ ...fields, advice: FLAW_ADVICE }, `${lineage}: ${flaw}`)
  for (const note of bundle?.notes ?? []) log.info(fields, `${lineage}: ${note}`)
}

/** In an ACME client's log a hook without output would look as if it had not run. */
export function logUnchanged(log: Logger, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes)
    if (outcome.outcome === 'unchanged') logEntry(log, { ...outcomeEntry(outcome), level: 'info' })
}

/** A certificate in a client's folder that the client no longer manages. */
export const leftEntry = ({ lineage, why }: Left): LogEntry => ({
  level: 'info',
  fields: { event: 'left', lineage },
  message: `${lineage} is ignored: it ${why}`,
})

/** Logs one entry for each outcome; a fault that stopped the run, which every certificate gets, once. */
export function outcomeLogger(log: Logger): (outcome: Outcome) => void {
  const logged = new Set<Fault>()
  let stopped = false
  return outcome => {
    sayNotes(log, outcome)
    if (outcome.outcome === 'unchanged' && log.debugs === false) return
    const entry = outcomeEntry(outcome)
    if (outcome.outcome !== 'failed') return logEntry(log, entry)
    const { fault } = outcome
    const repeated = logged.has(fault)
    logged.add(fault)
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
      advice: 'Nothing is lost: the next upload gets the same certificate ID again.',
    },
    setAside ? `${what} could not be read and was set aside as ${setAside}` : `${what} cannot be read`,
  )
