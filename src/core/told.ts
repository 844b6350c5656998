/** What has been told and when, so that nobody is told twice. Pure. */
import type { Notice } from './notice.ts'

/** When each key was last told, in ISO 8601. */
export type Told = Readonly<Record<string, string>>

/** Kept for longer than any certificate lives. In milliseconds. */
const REMEMBERED = 400 * 86_400_000

/** The notices that are still to be told, of each key the first. */
export function untold(notices: readonly Notice[], told: Told, now: number): readonly Notice[] {
  const fresh = notices.filter(({ key, again }) => {
    const before = Object.hasOwn(told, key) ? Date.parse(told[key] ?? '') : Number.NaN
    // a clock that was set back must not keep somebody from hearing
    return Number.isNaN(before) || before > now || now - before >= again
  })
  const seen = new Set<string>()
  return fresh.filter(({ key }) => !seen.has(key) && seen.add(key))
}

/** What is remembered after these have been told. */
export const withTold = (told: Told, notices: readonly Notice[], now: number): Told =>
  Object.fromEntries([
    ...Object.entries(told).filter(([, at]) => now - Date.parse(at) < REMEMBERED),
    ...notices.map(({ key }) => [key, new Date(now).toISOString()]),
  ])

/** The record in a file's text; an empty one where there is none, or it is damaged: then something is told again. */
export function readTold(text: string | undefined): Told {
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

export const writeTold = (told: Told): string => `${JSON.stringify(told, null, 2)}\n`
