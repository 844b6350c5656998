/** Log lines, written at once: JSON for machines, text on a terminal, a line with its level in the journal. */

import { journalled, type LogRecord, machine, readable } from '../core/logLine.ts'
import { LEVELS, type Level } from '../core/terms.ts'
import type { Output } from '../world.ts'

type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void

export interface Log extends Readonly<Record<'debug' | 'info' | 'warn' | 'error', Write>> {
  /** False where what is of interest to few need not even be put into words. */
  readonly debugs?: boolean
}

export interface LogOptions {
  readonly level: Level
  readonly output: Output
  readonly now: () => number
}

export function openLog({ level, output, now }: LogOptions): Log {
  const format = (record: LogRecord) =>
    output.isTerminal ? readable(record, output) : output.isJournal ? journalled(record) : machine(record)
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
