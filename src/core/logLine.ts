/** A log line as a person reads it at a terminal. Pure. */
import { wrapped } from './columns.ts'
import { printable } from './printable.ts'

const COLOURS: Readonly<Record<string, string>> = {
  error: '\u001b[31m',
  warn: '\u001b[33m',
  info: '\u001b[32m',
  debug: '\u001b[2m',
}
const PLAIN = '\u001b[0m'

/** Time and level take this many columns; what follows on further lines begins below the message. */
const MARGIN = 15

/** `line` is one of pino's JSON lines. Time, level and message, which says all that matters; advice below it. */
export function readable(
  line: string,
  { colours, columns }: { readonly colours: boolean; readonly columns: number },
): string {
  const { level, time, msg, advice } = JSON.parse(line) as Record<string, unknown>
  const label = String(level)
  const shown =
    (colours ? `${COLOURS[label] ?? ''}${label}${PLAIN}` : label) + ' '.repeat(Math.max(1, 6 - label.length))
  const clock = new Date(String(time)).toTimeString().slice(0, 8)
  const fit = (text: string) => wrapped(printable(text, 1000), Math.max(40, columns) - MARGIN, MARGIN)
  const next = typeof advice === 'string' ? `${' '.repeat(MARGIN)}${fit(`→ ${advice}`)}\n` : ''
  return `${clock} ${shown}${fit(String(msg))}\n${next}`
}

/** syslog's numbers, as sd-daemon(3) reads them at the beginning of a line. */
const PRIORITY: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 6, debug: 7, trace: 7 }

/** One line an event for the journal, which knows the time itself. */
export function journalled(line: string): string {
  const { level, msg, advice } = JSON.parse(line) as Record<string, unknown>
  const text = typeof advice === 'string' ? `${msg} → ${advice}` : String(msg)
  return `<${PRIORITY[String(level)] ?? 6}>${printable(text, 2000)}\n`
}
