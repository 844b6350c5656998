/** A log line: as JSON for machines, as text for a terminal, as the journal wants it. Pure. */
import { wrap } from './columns.ts'
import { jsonLine } from './jsonLine.ts'
import { printableText } from './printable.ts'
import type { Level } from './terms.ts'

/** Level, time and message are there of every line; the fields are for machines, all but the advice. */
export interface LogRecord {
  readonly level: Exclude<Level, 'silent'>
  /** ISO 8601. */
  readonly time: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** The first guard is the Secret type; this one catches a member somebody adds one day. */
const SECRET = new Set([
  'key',
  'keyPem',
  'secretKey',
  'secretId',
  'token',
  'password',
  'authorization',
  'passphrase',
])

const mask = (name: string, value: unknown) => (SECRET.has(name) ? '[secret]' : value)

/** One line of JSON that a terminal can be shown. */
export const jsonLogLine = (record: LogRecord): string => jsonLine(record, mask)

const COLOURS: Readonly<Record<string, string>> = {
  error: '\u001b[31m',
  warn: '\u001b[33m',
  info: '\u001b[32m',
  debug: '\u001b[2m',
}
const PLAIN = '\u001b[0m'

/** Time and level take this many columns; what follows on further lines begins below the message. */
const MARGIN = 15

/** Time, level and message, which says all that matters; advice below it. */
export function terminalLine(
  { level, time, msg, advice }: LogRecord,
  { colours, columns }: { readonly colours: boolean; readonly columns: number },
): string {
  const shown =
    (colours ? `${COLOURS[level] ?? ''}${level}${PLAIN}` : level) + ' '.repeat(Math.max(1, 6 - level.length))
  const clock = new Date(time).toTimeString().slice(0, 8)
  const fit = (text: string) => wrap(printableText(text, 1000), Math.max(40, columns) - MARGIN, MARGIN)
  const next = typeof advice === 'string' ? `${' '.repeat(MARGIN)}${fit(`→ ${advice}`)}\n` : ''
  return `${clock} ${shown}${fit(msg)}\n${next}`
}

/** syslog's numbers, as sd-daemon(3) reads them at the beginning of a line. */
const PRIORITY: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 6, debug: 7, trace: 7 }

/** One line an event for the journal, which knows the time itself. */
export function journalLine({ level, msg, advice }: LogRecord): string {
  const text = typeof advice === 'string' ? `${msg} → ${advice}` : msg
  return `<${PRIORITY[level] ?? 6}>${printableText(text, 2000)}\n`
}
