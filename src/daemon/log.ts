/** Daemon log without repetition: state changes once, outages once, overdue renewals daily. */
import { createExpiryWarnings, overdueAdvice } from '../certificate/expiry.ts'
import { type Fault, faultFields } from '../errors.ts'
import type { Logger } from '../log/logger.ts'
import { isPending, type Outcome } from '../upload/outcome.ts'
import { logEntry, outcomeEntry, sayNotes } from '../upload/report.ts'

export interface DaemonLog {
  readonly outcome: (outcome: Outcome) => void
  readonly longPending: (lineage: string) => void
  /** A fault of the account pauses all uploads. */
  readonly paused: (fault: Fault, until: Date) => void
  readonly resumed: () => void
  /** Logged once for all certificates, until an upload succeeds. */
  readonly serviceUnreachable: (fault: Fault) => void
  readonly serviceRecovered: () => void
}

const DAY = 86_400_000

/** Key of what all certificates share; no lineage has this ID. */
const ACCOUNT_KEY = ''

export function createDaemonLog(log: Logger, now: () => number): DaemonLog {
  const expiry = createExpiryWarnings()
  const logged = new Map<string, string>()
  let isUnreachable = false

  /** Whether this outcome differs from the last one of its lineage, or is an upload. */
  const isNews = (outcome: Outcome): boolean => {
    // waiting must not make the same failure after it look new
    if (outcome.outcome === 'waiting') return false
    if (outcome.outcome === 'unchanged' || outcome.outcome === 'uploaded') logged.delete(ACCOUNT_KEY)
    const fault = 'fault' in outcome ? outcome.fault : undefined
    const state = fault ? `${outcome.outcome} ${fault.code} ${fault.message}` : outcome.outcome
    const key = fault?.scope === 'account' ? ACCOUNT_KEY : outcome.lineage
    const isNew = logged.get(key) !== state
    logged.set(key, state)
    return isNew || outcome.outcome === 'uploaded'
  }
  const isLoggedElsewhere = (fault: Fault) =>
    isPending(fault) ||
    // the circuit breaker never meets a state directory that cannot be used
    (fault.scope === 'account' && fault.code !== 'STATE_DIR_UNUSABLE') ||
    (isUnreachable && fault.silent)
  const warnOfExpiry = ({ lineage, bundle }: Outcome) => {
    if (!bundle || !expiry.shouldWarn(lineage, bundle, now())) return
    const days = Math.floor((bundle.notAfter.getTime() - now()) / DAY)
    const when = days < 0 ? 'has expired' : `expires in ${days} day${days === 1 ? '' : 's'}`
    log.warn(
      {
        event: 'renewal_overdue',
        lineage,
        notAfter: bundle.notAfter.toISOString(),
        advice: overdueAdvice(bundle, now()),
      },
      `${lineage} ${when} and has not been renewed`,
    )
  }
  return {
    outcome: outcome => {
      const entry = outcomeEntry(outcome)
      sayNotes(log, outcome)
      const isQuiet = outcome.outcome === 'failed' && isLoggedElsewhere(outcome.fault)
      logEntry(log, isNews(outcome) && !isQuiet ? entry : { ...entry, level: 'debug' })
      warnOfExpiry(outcome)
    },
    longPending: lineage =>
      log.warn(
        {
          event: 'pending',
          lineage,
          advice: 'Run the ACME client again; `certferry status` shows what does not match.',
        },
        `${lineage}: key and certificate have not matched for ten minutes (renewal incomplete?)`,
      ),
    paused: (fault, until) =>
      log.error(
        { event: 'uploads_paused', ...faultFields(fault), until: until.toISOString() },
        `uploads paused until ${until.toISOString().slice(0, 16)}Z: ${fault.message}`,
      ),
    resumed: () => log.info({ event: 'uploads_resumed' }, 'new credentials: uploads resumed'),
    serviceUnreachable: fault => {
      if (isUnreachable) return
      isUnreachable = true
      log.error(
        { event: 'service_unreachable', ...faultFields(fault) },
        `service unreachable, uploads wait until it answers: ${fault.message}`,
      )
    },
    serviceRecovered: () => {
      if (!isUnreachable) return
      isUnreachable = false
      log.info({ event: 'service_recovered' }, 'service reachable again: waiting uploads are retried now')
    },
  }
}
