/** What a daemon says, and how often: news once, weather never twice, an overdue renewal once a day. */
import { createExpiryWarnings, overdueAdvice } from '../certificate/expiry.ts'
import { type Fault, faultFields } from '../errors.ts'
import type { Logger } from '../log/logger.ts'
import { isPending, type Outcome } from '../upload/outcome.ts'
import { logEntry, outcomeEntry, sayNotes } from '../upload/report.ts'

export interface DaemonLog {
  readonly outcome: (outcome: Outcome) => void
  readonly longPending: (lineage: string) => void
  /** Uploads rest, for a fault of the account's. */
  readonly paused: (fault: Fault, until: Date) => void
  readonly resumed: () => void
  /** Nobody answers any more: no lineage need say so by itself, until one is heard. */
  readonly serviceUnreachable: (fault: Fault) => void
  readonly serviceRecovered: () => void
}

const DAY = 86_400_000

/** Where what all lineages meet is remembered; no lineage is called so. */
const ACCOUNT_KEY = ''

/** The gate tells of faults it meets; what keeps us from our own records never gets as far. */
const isHandledByBreaker = ({ scope, code }: Fault) => scope === 'account' && code !== 'STATE_DIR_UNUSABLE'

export function createDaemonLog(log: Logger, now: () => number): DaemonLog {
  const watchman = createExpiryWarnings()
  const said = new Map<string, string>()
  let silent = false

  /** Whether this outcome is news of its lineage. */
  const isNews = (outcome: Outcome): boolean => {
    // between two attempts that meet the same, waiting is no news and makes the second none
    if (outcome.outcome === 'waiting') return false
    const state =
      'fault' in outcome
        ? `${outcome.outcome} ${outcome.fault.code} ${outcome.fault.message}`
        : outcome.outcome
    // every lineage meets the same: it is news once, until one has come through
    const shared = 'fault' in outcome && outcome.fault.scope === 'account'
    if (outcome.outcome === 'unchanged' || outcome.outcome === 'uploaded') said.delete(ACCOUNT_KEY)
    const whose = shared ? ACCOUNT_KEY : outcome.lineage
    const news = said.get(whose) !== state
    said.set(whose, state)
    return news
  }
  const warnOfExpiry = ({ lineage, bundle }: Outcome) => {
    if (!bundle || !watchman.shouldWarn(lineage, bundle, now())) return
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
        (isPending(outcome.fault) || isHandledByBreaker(outcome.fault) || (silent && outcome.fault.silent))
      const news = isNews(outcome) || outcome.outcome === 'uploaded'
      logEntry(log, quiet || !news ? { ...entry, level: 'debug' } : entry)
      warnOfExpiry(outcome)
    },
    longPending: lineage =>
      log.warn(
        {
          event: 'pending',
          lineage,
          advice: 'Run the ACME client again; `certferry status` says what does not fit.',
        },
        `${lineage} has been half-way through a renewal for ten minutes`,
      ),
    paused: (fault, until) =>
      log.error(
        { event: 'uploads_paused', ...faultFields(fault), until: until.toISOString() },
        `no uploads before ${until.toISOString().slice(0, 16)}Z: ${fault.message}`,
      ),
    resumed: () => log.info({ event: 'uploads_resumed' }, 'the credentials are new ones: uploads go on'),
    serviceUnreachable: fault => {
      silent = true
      log.error(
        { event: 'service_unreachable', ...faultFields(fault) },
        `nothing is uploaded until the service answers: ${fault.message}`,
      )
    },
    serviceRecovered: () => {
      if (silent)
        log.info({ event: 'service_recovered' }, 'the service answers again: what has waited goes at once')
      silent = false
    },
  }
}
