/** Notices that could not be sent, as they are kept for the next run. Pure. */
import { NOTIFY_EVENTS } from './event.ts'
import type { Notification } from './notice.ts'

/** What is older is no news any more. In milliseconds. */
const KEPT = 7 * 86_400_000
const MOST = 1_000

export const writeUnsent = (notices: readonly Notification[], now: number): string => {
  const kept = notices.slice(0, MOST).map(notice => ({ since: new Date(now).toISOString(), ...notice }))
  return `${JSON.stringify(kept, null, 2)}\n`
}

export type Unsent = Notification & { readonly since?: string }

/** The notices in a file's text; none where there is no file, or it is damaged. */
export function readUnsent(text: string | undefined, now: number): readonly Unsent[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]')
    if (!Array.isArray(value)) return []
    // JSON has no infinity
    const all = value.map(one => ({ ...one, again: one?.again ?? Number.POSITIVE_INFINITY }))
    return all.filter(isUnsent).filter(({ since = '' }) => now - Date.parse(since) < KEPT)
  } catch {
    return []
  }
}

const TEXTS = ['lineage', 'key', 'since'] as const
const TEXTS_OR_NULL = ['certificateId', 'supersedes', 'notAfter', 'reason', 'advice'] as const

const isUnsent = (
  one: Readonly<Record<string, unknown>>,
): one is Readonly<Record<string, unknown>> & Unsent =>
  NOTIFY_EVENTS.some(event => event === one.event) &&
  TEXTS.every(name => typeof one[name] === 'string') &&
  TEXTS_OR_NULL.every(name => one[name] === null || typeof one[name] === 'string') &&
  Array.isArray(one.names) &&
  one.names.every(name => typeof name === 'string') &&
  typeof one.again === 'number'
