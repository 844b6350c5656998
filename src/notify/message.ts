/** Notices of one kind as one message: a night's thousand uploads are one letter, not a thousand. Pure. */
import { NOTIFY_EVENTS, type NotifyEvent } from '../config/values.ts'
import { printableText } from '../terminal/text.ts'
import type { Notification } from './notification.ts'

export interface Message {
  /** `test` only where an operator tries the channels. */
  readonly event: NotifyEvent | 'test'
  readonly host: string
  readonly notices: readonly Notification[]
  /** What a person reads: some lines, no control characters. */
  readonly text: string
}

/** Certificates named one by one; of the others the number is told. */
const MAX_LISTED = 10

const HEADINGS: Readonly<Record<NotifyEvent, (count: string) => string>> = {
  uploaded: count => `${count} uploaded to Tencent Cloud`,
  rejected: count => `${count} not accepted`,
  uploads_paused: () => 'uploads are paused',
  failing: count => `${count} not uploaded for a day`,
  renewal_overdue: count => `${count} not renewed in time`,
}

/** One letter for each kind that there is. */
export const messagesFor = (notices: readonly Notification[], host: string): readonly Message[] =>
  NOTIFY_EVENTS.flatMap(event => {
    const those = notices.filter(notice => notice.event === event)
    return those.length ? [{ event, host, notices: those, text: textOf(event, those, host) }] : []
  })

/** One about nothing, that no command can take for news of a certificate. */
export const sampleLetter = (host: string): Message => ({
  event: 'test',
  host,
  notices: [],
  text: `certferry on ${printableText(host, 253)}: a test of [notify], nothing has happened`,
})

function textOf(event: NotifyEvent, notices: readonly Notification[], host: string): string {
  const count = `${notices.length} certificate${notices.length === 1 ? '' : 's'}`
  const rest = notices.length - MAX_LISTED
  const lines = [
    `certferry on ${printableText(host, 253)}: ${HEADINGS[event](count)}`,
    ...notices.slice(0, MAX_LISTED).flatMap(lineOf),
    ...(rest > 0 ? [`and ${rest} more`] : []),
  ]
  return lines.join('\n')
}

function lineOf({
  lineage,
  certificateId,
  supersedes,
  notAfter,
  reason,
  advice,
  event,
}: Notification): readonly string[] {
  const day = notAfter?.slice(0, 10)
  const uploaded = [
    certificateId,
    ...(supersedes ? [`replaces ${supersedes}`] : []),
    ...(day ? [`valid until ${day}`] : []),
  ]
  const said = event === 'uploaded' ? uploaded.join(', ') : printableText(reason ?? '', 300)
  return [printableText(lineage ? `${lineage}: ${said}` : said, 500), ...(advice ? [`→ ${advice}`] : [])]
}

/** What a webhook is sent where no template says otherwise, and a command reads on its standard input. */
export const messageJson = ({ event, host, text, notices }: Message): string =>
  JSON.stringify({
    event,
    host,
    text,
    count: notices.length,
    certificates: notices.map(({ key: _, again: __, ...facts }) => facts),
  })

/** The places a template may have, and what goes there. */
export const templateValues = ({ text, event, host, notices }: Message) => ({
  text,
  event,
  host,
  count: `${notices.length}`,
})

/** For a command: names and values, nothing of which is secret. The JSON is left out where it does not fit. */
export function environmentOf(letter: Message): Readonly<Record<string, string>> {
  const json = messageJson({ ...letter, notices: letter.notices.slice(0, MAX_LISTED) })
  return {
    CERTFERRY_EVENT: letter.event,
    CERTFERRY_HOST: letter.host,
    CERTFERRY_COUNT: String(letter.notices.length),
    CERTFERRY_TEXT: letter.text,
    CERTFERRY_LINEAGES: words(letter.notices.map(({ lineage }) => lineage)),
    CERTFERRY_CERTIFICATE_IDS: words(letter.notices.map(({ certificateId }) => certificateId ?? '')),
    ...(Buffer.byteLength(`CERTFERRY_JSON=${json}\0`) <= LONGEST && { CERTFERRY_JSON: json }),
  }
}

/** execve(2) takes no longer string, name and final zero included. In bytes. */
const LONGEST = 131_072

/** As many as have room; a command that needs all of them reads the JSON. */
const words = (texts: readonly string[]) =>
  texts
    .filter(Boolean)
    .map(text => printableText(text, 253))
    .join(' ')
    .slice(0, 32_768)
