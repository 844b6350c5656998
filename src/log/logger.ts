/** The log: pino writes every line as JSON; unless JSON is wanted it is printed as text, for a terminal and the journal in their form. */
import { pino } from 'pino'
import type { Level, LogFormat } from '../config/values.ts'
import type { Output } from '../processContext.ts'
import { escapeText, printableText, wrap } from '../terminal/text.ts'

type WriteLine = (fields: Readonly<Record<string, unknown>>, message: string) => void

export interface Logger extends Readonly<Record<'debug' | 'info' | 'warn' | 'error', WriteLine>> {
  /** False if debug lines are not written: their text need not be made. */
  readonly debugs?: boolean
}

export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  /** Complete for a person; the fields are for machines. */
  readonly message: string
}

/** A line as a terminal and the journal are given it. */
export interface LogRecord {
  readonly level: string
  /** ISO 8601. */
  readonly time: string
  readonly msg: string
  readonly [field: string]: unknown
}

interface LogOptions {
  readonly level: Level
  readonly format: LogFormat
  readonly output: Output
  readonly now: () => number
}

const SECRET_NAMES = [
  'key',
  'keyPem',
  'secretKey',
  'secretId',
  'token',
  'password',
  'authorization',
  'passphrase',
]

/** The Secret type masks itself; this masks, by its name, a member that is not of that type. Shallow paths come first. */
const REDACTED = ['', '*.', '*.*.', '*.*.*.'].flatMap(prefix => SECRET_NAMES.map(name => prefix + name))

export function createLogger({ level, format, output, now }: LogOptions): Logger {
  const destination = {
    write: (line: string) => output.write(format === 'json' ? line : textOf(JSON.parse(line), output)),
  }
  const log = pino(
    {
      level,
      base: { name: 'certferry' },
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[secret]' },
      hooks: { streamWrite: escapeText },
    },
    destination,
  )
  return {
    debugs: log.isLevelEnabled('debug'),
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
  }
}

function textOf(record: LogRecord, output: Output): string {
  if (output.isTerminal) return terminalLine(record, output)
  return output.isJournal ? journalLine(record) : plainLine(record)
}

const COLOURS: Readonly<Record<string, string>> = {
  error: '\u001b[31m',
  warn: '\u001b[33m',
  info: '\u001b[32m',
  debug: '\u001b[2m',
}

const RESET = '\u001b[0m'

/** Columns of time and level; further lines of a message begin below its first. */
const MARGIN = 15

/** Time, level and message, and the advice on a line of its own. */
export function terminalLine(
  { level, time, msg, advice }: LogRecord,
  { colours, columns }: { readonly colours: boolean; readonly columns: number },
): string {
  const clock = new Date(time).toTimeString().slice(0, 8)
  const label = colours ? `${COLOURS[level] ?? ''}${level}${RESET}` : level
  const gap = ' '.repeat(Math.max(1, 6 - level.length))
  const fit = (text: string) => wrap(printableText(text, 1000), Math.max(40, columns) - MARGIN, MARGIN)
  const next = typeof advice === 'string' ? `${' '.repeat(MARGIN)}${fit(`→ ${advice}`)}\n` : ''
  return `${clock} ${label}${gap}${fit(msg)}\n${next}`
}

/** The priorities of syslog, as sd-daemon(3) reads them at the beginning of a line. */
const PRIORITY: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 6, debug: 7 }

/** One line; the journal adds the time. */
export const journalLine = (record: LogRecord): string =>
  `<${PRIORITY[record.level] ?? 6}>${lineText(record)}\n`

/** One line for a file, a mail of cron or a client's log, whatever its width. */
export const plainLine = (record: LogRecord): string =>
  `${record.time.slice(0, 19)}Z ${record.level.padEnd(5)} ${lineText(record)}\n`

const lineText = ({ msg, advice }: LogRecord) =>
  printableText(typeof advice === 'string' ? `${msg} → ${advice}` : msg, 2000)
