/** A log line: as JSON for machines, as text for a terminal, as the journal wants it. Pure. */
import { LEVELS, type Level } from '../config/values.ts'
import type { Output } from '../processContext.ts'
import { jsonLine, printableText, wrap } from '../terminal/text.ts'

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
const jsonLogLine = (record: LogRecord): string => jsonLine(record, mask)

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

type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void

export interface Logger extends Readonly<Record<'debug' | 'info' | 'warn' | 'error', Write>> {
  /** False where what is of interest to few need not even be put into words. */
  readonly debugs?: boolean
}

interface LogOptions {
  readonly level: Level
  readonly output: Output
  readonly now: () => number
}

export function createLogger({ level, output, now }: LogOptions): Logger {
  const format = (record: LogRecord) =>
    output.isTerminal
      ? terminalLine(record, output)
      : output.isJournal
        ? journalLine(record)
        : jsonLogLine(record)
  const least = LEVELS.indexOf(level)
  const writing = (level: LogRecord['level']): Write =>
    LEVELS.indexOf(level) < least
      ? () => {}
      : (fields, msg) => {
          const time = new Date(now()).toISOString()
          output.write(format({ level, time, name: 'certferry', ...fields, msg }))
        }
  const debugs = LEVELS.indexOf('debug') >= least
  return {
    debugs,
    debug: writing('debug'),
    info: writing('info'),
    warn: writing('warn'),
    error: writing('error'),
  }
}

export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  /** Says by itself all that a person needs; the fields are for machines. */
  readonly message: string
}
