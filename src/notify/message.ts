/** The message about all notifications of one event: a thousand uploads are one message. Pure. */
import { NOTIFY_EVENTS, type NotifyEvent } from '../config/values.ts'
import { printableText } from '../terminal/text.ts'
import type { Notification } from './notification.ts'

export interface Message {
  /** `test` for a sample. */
  readonly event: NotifyEvent | 'test'
  readonly host: string
  readonly notifications: readonly Notification[]
  /** A few lines for a person, without control characters. */
  readonly text: string
}

/** More certificates than this are only counted. */
const MAX_LISTED = 10

const HEADINGS: Readonly<Record<NotifyEvent, (count: string) => string>> = {
  uploaded: count => `${count} uploaded to Tencent Cloud`,
  rejected: count => `${count} not accepted`,
  uploads_paused: () => 'uploads are paused',
  failing: count => `${count} not uploaded for a day`,
  renewal_overdue: count => `${count} not renewed in time`,
  replaced: count => `${count} put in place of older ones`,
  replacement_failed: count => `${count} not put in place of older ones`,
  edge_stale: count => `${count} in place, while an older one is still served`,
}

/** One message for each event that occurs. */
export const messagesFor = (notifications: readonly Notification[], host: string): readonly Message[] =>
  NOTIFY_EVENTS.flatMap(event => {
    const those = notifications.filter(one => one.event === event)
    return those.length ? [{ event, host, notifications: those, text: textOf(event, those, host) }] : []
  })

/** A sample that no command can mistake for news of a certificate. */
export const sampleMessage = (host: string): Message => ({
  event: 'test',
  host,
  notifications: [],
  text: `certferry on ${printableText(host, 253)}: a test of [notify], nothing has happened`,
})

function textOf(event: NotifyEvent, notifications: readonly Notification[], host: string): string {
  const count = `${notifications.length} certificate${notifications.length === 1 ? '' : 's'}`
  const rest = notifications.length - MAX_LISTED
  const heading = `certferry on ${printableText(host, 253)}: ${HEADINGS[event](count)}`
  const lines = [heading, ...notifications.slice(0, MAX_LISTED).flatMap(linesOf)]
  if (rest > 0) lines.push(`and ${rest} more`)
  return lines.join('\n')
}

function linesOf(notification: Notification): readonly string[] {
  const { lineage, reason, advice, event } = notification
  const what = GOOD_NEWS[event]?.(notification) ?? printableText(reason ?? '', 300)
  const line = printableText(lineage ? `${lineage}: ${what}` : what, 500)
  return advice ? [line, `→ ${advice}`] : [line]
}

const idText =
  (relation: string) =>
  ({ certificateId, supersedes, notAfter }: Notification) =>
    [
      ...[certificateId, supersedes && `${relation} ${supersedes}`],
      notAfter && `valid until ${notAfter.slice(0, 10)}`,
    ]
      .filter(Boolean)
      .join(', ')

/** News without a reason. */
const GOOD_NEWS: { readonly [event in NotifyEvent]?: (about: Notification) => string } = {
  uploaded: idText('replaces'),
  replaced: idText('in place of'),
}

/** The body for a webhook without a template, and a command's standard input. */
export const messageJson = ({ event, host, text, notifications }: Message): string =>
  JSON.stringify({
    event,
    host,
    text,
    count: notifications.length,
    certificates: notifications.map(({ key: _, again: __, ...facts }) => facts),
  })

/** The placeholders of a template. */
export const templateValues = ({ text, event, host, notifications }: Message) => ({
  text,
  event,
  host,
  count: `${notifications.length}`,
})

/** The longest string that execve(2) accepts, name and final zero included. In bytes. */
const MAX_VARIABLE = 131_072

/** For a command; none of it is secret. CERTFERRY_JSON is left out if it is too long. */
export function messageEnvironment(message: Message): Readonly<Record<string, string>> {
  const { event, host, text, notifications } = message
  const json = messageJson({ ...message, notifications: notifications.slice(0, MAX_LISTED) })
  const environment: Record<string, string> = {
    CERTFERRY_EVENT: event,
    CERTFERRY_HOST: host,
    CERTFERRY_COUNT: String(notifications.length),
    CERTFERRY_TEXT: text,
    CERTFERRY_LINEAGES: joined(notifications.map(({ lineage }) => lineage)),
    CERTFERRY_CERTIFICATE_IDS: joined(notifications.map(({ certificateId }) => certificateId ?? '')),
  }
  if (Buffer.byteLength(`CERTFERRY_JSON=${json}\0`) <= MAX_VARIABLE) environment.CERTFERRY_JSON = json
  return environment
}

/** As many as fit; the JSON on standard input has all. */
const joined = (texts: readonly string[]) =>
  texts
    .filter(Boolean)
    .map(text => printableText(text, 253))
    .join(' ')
    .slice(0, 32_768)
