/** Reads members of the service's answers: any of them may be null or absent, and an absent number is 0. Pure. */
import { printableText } from '../terminal/text.ts'

export type Members = Readonly<Record<string, unknown>>

export const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const membersIn = (value: unknown): readonly Members[] =>
  Array.isArray(value) ? value.filter(isMembers) : []

export const textsIn = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter(one => typeof one === 'string').map(one => printableText(one, 255)) : []

export const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? printableText(String(value), 255) : ''

export const count = (value: unknown): number => (Number.isSafeInteger(value) ? (value as number) : 0)

/** Task and record IDs are numbers in one action and text in the next; 0 means none. */
export const idIn = (value: unknown): string | undefined => {
  const id = text(value)
  return /^[1-9]\d*$/.test(id) ? id : undefined
}

/** A region's error is text, a task's an object; both may be null. */
export function errorText(error: unknown): string {
  if (isMembers(error)) return [text(error.Code), text(error.Message)].filter(Boolean).join(': ')
  return text(error)
}

/** A listener without SNI joins its names by commas, and CDN adds a switch: `host|on`. */
export const domainsIn = (domains: string): readonly string[] =>
  domains
    .split(',')
    .map(one => (one.split('|')[0] ?? '').trim().toLowerCase())
    .filter(Boolean)
