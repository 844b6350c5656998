/** Log lines: pino's JSON for machines, readable text on a terminal. Secrets are masked a second time here. */
import { type Logger, pino } from 'pino'
import type { Level } from '../core/config.ts'
import { escaped } from '../core/jsonLine.ts'
import { journalled, readable } from '../core/logLine.ts'
import type { Output } from '../world.ts'

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** The first guard is the Secret type; this one catches a member somebody adds one day. */
const REDACTED = [
  'key',
  'keyPem',
  'secretKey',
  'secretId',
  'token',
  'password',
  'authorization',
  'passphrase',
].flatMap(name => [name, `*.${name}`, `*.*.${name}`])

export interface LogOptions {
  readonly level: Level
  readonly output: Output
}

export function openLog({ level, output }: LogOptions): Log {
  const format = output.isTerminal
    ? (line: string) => readable(line, output)
    : output.isJournal
      ? journalled
      : escaped
  return pino(
    {
      level,
      base: { name: 'certferry' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[secret]' },
    },
    { write: (line: string) => output.write(format(line)) },
  )
}
