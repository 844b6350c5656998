/** What has been told and when, so that nobody is told twice. Pure. */
import type { Notification } from './notice.ts'

/** When each key was last told, in ISO 8601. */
export type SentLog = Readonly<Record<string, string>>

/** Kept for longer than any certificate lives. In milliseconds. */
const MAX_SENT_REMEMBERED = 400 * 86_400_000

/** The notices that are still to be told, of each key the first. */
export function notYetSent(
  notices: readonly Notification[],
  told: SentLog,
  now: number,
): readonly Notification[] {
  const fresh = notices.filter(({ key, again }) => {
    const before = Object.hasOwn(told, key) ? Date.parse(told[key] ?? '') : Number.NaN
    // a clock that was set back must not keep somebody from hearing
    return Number.isNaN(before) || before > now || now - before >= again
  })
  const seen = new Set<string>()
  return fresh.filter(({ key }) => !seen.has(key) && seen.add(key))
}

/** What is remembered after these have been told. */
export const markSent = (told: SentLog, notices: readonly Notification[], now: number): SentLog =>
  Object.fromEntries([
    ...Object.entries(told).filter(([, at]) => now - Date.parse(at) < MAX_SENT_REMEMBERED),
    ...notices.map(({ key }) => [key, new Date(now).toISOString()]),
  ])

/** The record in a file's text; an empty one where there is none, or it is damaged: then something is told again. */
export function parseSentLog(text: string | undefined): SentLog {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
    return Object.fromEntries(
      Object.entries(value).filter(([, at]) => typeof at === 'string' && !Number.isNaN(Date.parse(at))),
    )
  } catch {
    return {}
  }
}

export const serializeSentLog = (told: SentLog): string => `${JSON.stringify(told, null, 2)}\n`
