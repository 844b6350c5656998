/** A refusal on its way to the wire: a reason from the table, with the details its text wants. Pure. */
import { API_ERRORS, type Reason } from './messages.ts'

export type Details = Readonly<Record<string, string | number>>

export class ApiError extends Error {
  readonly reason: Reason
  readonly details: Details

  constructor(reason: Reason, details: Details = {}) {
    super(API_ERRORS[reason].code)
    this.reason = reason
    this.details = details
  }
}

/** English only on request: without X-TC-Language, or with one it does not know, the service speaks Chinese. */
export function errorBody(refusal: ApiError, language: string | undefined, requestId: string): string {
  const text = API_ERRORS[refusal.reason][language === 'en-US' ? 'en-US' : 'zh-CN']
  const details: Details = { ...refusal.details, requestId }
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? ''))
}
