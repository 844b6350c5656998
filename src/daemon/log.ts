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

/** The circuit breaker logs these. A state directory that cannot be used is found before it is asked. */
const isHandledByBreaker = ({ scope, code }: Fault) => scope === 'account' && code !== 'STATE_DIR_UNUSABLE'

export function createDaemonLog(log: Logger, now: () => number): DaemonLog {
  const expiry = createExpiryWarnings()
  const logged = new Map<string, string>()
  let unreachable = false

  /** Whether this outcome differs from the last one of its lineage. */
  const isNews = (outcome: Outcome): boolean => {
    // waiting is logged by no line, and must not make the attempt after it look new
    if (outcome.outcome === 'waiting') return false
    const state =
      'fault' in outcome
        ? `${outcome.outcome} ${outcome.fault.code} ${outcome.fault.message}`
        : outcome.outcome
    // every certificate gets the same answer: it is logged once, until an upload succeeds
    const shared = 'fault' in outcome && outcome.fault.scope === 'account'
    if (outcome.outcome === 'unchanged' || outcome.outcome === 'uploaded') logged.delete(ACCOUNT_KEY)
    const whose = shared ? ACCOUNT_KEY : outcome.lineage
    const news = logged.get(whose) !== state
    logged.set(whose, state)
    return news
  }
  const warnOfExpiry = ({ lineage, bundle }: Outcome) => {
    if (!bundle || !expiry.shouldWarn(lineage, bundle, now())) return
    const left = Math.floor((bundle.notAfter.getTime() - now()) / DAY)
    const when = left < 0 ? 'has expired' : `expires in ${left} day${left === 1 ? '' : 's'}`
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
      const quiet =
        outcome.outcome === 'failed' &&
        (isPending(outcome.fault) ||
          isHandledByBreaker(outcome.fault) ||
          (unreachable && outcome.fault.silent))
      const news = isNews(outcome) || outcome.outcome === 'uploaded'
      logEntry(log, quiet || !news ? { ...entry, level: 'debug' } : entry)
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
      unreachable = true
      log.error(
        { event: 'service_unreachable', ...faultFields(fault) },
        `service unreachable, uploads wait until it answers: ${fault.message}`,
      )
    },
    serviceRecovered: () => {
      if (unreachable)
        log.info({ event: 'service_recovered' }, 'service reachable again: waiting uploads are retried now')
      unreachable = false
    },
  }
}
