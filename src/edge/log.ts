/** Log lines, written at once: JSON for machines, text on a terminal, a line with its level in the journal. */

import { journalLine, jsonLogLine, type LogRecord, terminalLine } from '../core/logLine.ts'
import { LEVELS, type Level } from '../core/terms.ts'
import type { Output } from '../world.ts'

type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void

export interface Logger extends Readonly<Record<'debug' | 'info' | 'warn' | 'error', Write>> {
  /** False where what is of interest to few need not even be put into words. */
  readonly debugs?: boolean
}

export interface LogOptions {
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
