/** Replacements as log entries. Pure. */
import { FAULTS, type FaultCode } from '../errors.ts'
import type { LogEntry } from '../log/logger.ts'
import { countsOf, type Replacement, type ReplacementResult } from '../receipts/replacement.ts'
import { faultOf, isHeld } from './state.ts'

const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`

const adviceFor = ({ advice, code }: Replacement, fallback?: FaultCode) =>
  advice ??
  (fallback ? FAULTS[fallback].advice : code && code in FAULTS ? FAULTS[code as FaultCode].advice : undefined)

/** What the log says when a replacement has come further; undefined where that is no news. */
export function replacementEntry(
  lineage: string,
  now: Replacement,
  before: Replacement | undefined,
): LogEntry | undefined {
  // the alarm is raised again at each check that finds it so
  const isAlarm = now.state === 'stale' && now.attempts !== before?.attempts
  const isNews = before?.state !== now.state || before.to !== now.to || isAlarm
  const from = [...new Set(now.jobs.filter(({ to }) => to === now.to).map(job => job.from))]
  const recordId = now.jobs.find(job => job.to === now.to)?.recordId
  const about = { lineage, certificateId: now.to, from, ...(recordId && { recordId }) }
  if (now.replacedAt !== undefined && (before?.replacedAt === undefined || before.to !== now.to)) {
    const counts = countsOf(now)
    const seconds = Math.round((Date.parse(now.replacedAt) - Date.parse(now.startedAt)) / 1000)
    const where = counts.total ? ` on ${plural(counts.done, 'resource')}` : ''
    return {
      level: 'info',
      fields: { event: 'replaced', ...about, ...counts, seconds },
      message: `${lineage}: ${now.to} is in place of ${from.join(', ') || 'the older ones'}${where} (${seconds} s)`,
    }
  }
  const [last] = now.jobs
  const known = before?.jobs.find(({ recordId }) => recordId === last?.recordId)
  if (last?.retried && last.failures.length && !known?.retried) {
    const { type, region, instance, message } = last.failures[0] ?? {}
    const which = [type, region, instance].filter(Boolean).join(' ')
    return {
      level: 'warn',
      fields: { event: 'replacing', ...about, failures: last.failures },
      message: `${lineage}: ${last.failures.length} of ${plural(last.total, 'resource')} failed (${which}: ${message}); the service is asked to retry`,
    }
  }
  if (!isNews) {
    // a fault in the same state is logged once
    if (!now.code || now.code === before?.code) return undefined
    return failed(lineage, now, about)
  }
  switch (now.state) {
    case 'asked':
      return {
        level: 'info',
        fields: { event: 'replacing', ...about },
        message: `${lineage}: putting ${now.to} in place of ${from.join(', ')}`,
      }
    case 'running':
      return {
        level: 'info',
        fields: { event: 'replacing', ...about },
        message: `${lineage}: the service replaces ${from.join(', ')} by ${now.to} (record ${recordId})`,
      }
    case 'verified': {
      const names = new Set(now.handshakes.filter(({ leaf }) => leaf === 'new').map(({ name }) => name))
      const count = now.handshakes.filter(({ leaf }) => leaf === 'new').length
      return {
        level: 'info',
        fields: { event: 'edge_verified', ...about, addresses: count },
        message: `${lineage}: ${now.to} is served at ${count} address${count === 1 ? '' : 'es'} of ${plural(names.size, 'name')}, as seen from this host`,
      }
    }
    case 'unverified':
      return {
        level: 'warn',
        fields: { event: 'edge_unverified', ...about, reason: now.reason, advice: adviceFor(now) },
        message: `${lineage}: ${now.to} is in place, but not verified: ${now.reason}`,
      }
    case 'stale':
      return {
        level: 'error',
        fields: { event: 'edge_stale', ...about, reason: now.reason, advice: adviceFor(now, 'EDGE_STALE') },
        message: `${lineage}: the service says that ${now.to} is in place, but ${now.reason}`,
      }
    case 'foreign':
      return {
        level: 'warn',
        fields: { event: 'replacing', ...about, reason: now.reason },
        message: `${lineage}: waiting: ${now.reason}`,
      }
    case 'nothing-bound':
      return {
        level: 'info',
        fields: { event: 'nothing_bound', ...about },
        message: `${lineage}: the service's search found no bound older certificate`,
      }
    case 'held':
      if (!isHeld(now)) return failed(lineage, now, about)
      return {
        level: 'info',
        fields: { event: 'replacement_held', ...about, reason: now.reason },
        message: `${lineage}: ${now.reason}`,
      }
    case 'partly':
    case 'uncovered':
    case 'untrusted':
      return failed(lineage, now, about)
    default:
      return now.code && now.code !== before?.code ? failed(lineage, now, about) : undefined
  }
}

function failed(lineage: string, now: Replacement, about: object): LogEntry {
  const fault = faultOf(now)
  const isWaiting = fault?.retry === 'backoff' && fault.exit === 75
  return {
    level: now.state === 'held' || isWaiting ? 'warn' : 'error',
    fields: {
      event: 'replacement_failed',
      ...about,
      state: now.state,
      code: now.code ?? fault?.code,
      reason: now.reason,
      advice: now.advice ?? fault?.advice,
    },
    message: `${lineage}: the older certificate is not replaced: ${now.reason ?? fault?.message}`,
  }
}

export const retiredEntry = (
  lineage: string,
  certificateId: string,
  how: 'silenced' | 'deleted',
): LogEntry => ({
  level: 'info',
  fields: { event: 'retired', lineage, certificateId, how },
  message: `${lineage}: ${certificateId} is ${how === 'deleted' ? 'deleted in the account' : 'silenced: no reminders of its expiry'}`,
})

/** What --dry-run says: where older certificates are bound, and what would be done there. */
export function plannedEntries(
  lineage: string,
  { planned = [], fault, from }: ReplacementResult,
): readonly LogEntry[] {
  const fields = { event: 'would_replace', lineage }
  const end = fault ? 'and would keep it' : 'and would get the renewed certificate'
  const bound = planned.map(({ certificateId, ...resource }): LogEntry => {
    const { type, region, instance, domains } = resource
    const names = domains.filter(name => name !== instance)
    const what = [type, region, instance, ...names].filter(Boolean).join(' ')
    const message = `${lineage}: ${what} uses ${certificateId}, ${end}`
    return { level: 'info', fields: { ...fields, ...resource, certificateId }, message }
  })
  if (fault) {
    const message = `${lineage}: would not be put in place: ${fault.message}`
    return [
      ...bound,
      { level: 'warn', fields: { ...fields, code: fault.code, advice: fault.advice }, message },
    ]
  }
  if (bound.length || !from.length) return bound
  const message = `${lineage}: the service's search found no bound older certificate`
  return [{ level: 'info', fields, message }]
}
