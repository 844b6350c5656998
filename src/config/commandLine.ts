/** What a command is told. */
import type { ProcessContext } from '../processContext.ts'
import type { Source } from './settings.ts'
import type { Level } from './values.ts'

/** Its words, read and every value of its type. */
export interface CommandLine {
  readonly operands: readonly string[]
  readonly json: boolean
  readonly config?: string
  readonly stateDir?: string
  readonly source?: readonly Source[]
  readonly endpoint?: string
  readonly logLevel?: Level
  readonly rate?: number
  readonly only?: readonly string[]
  readonly dryRun?: boolean
  readonly force?: boolean
  readonly remove?: boolean
  /** Of an ACME client. */
  readonly home?: string
  readonly chain?: string
  readonly key?: string
  readonly name?: string
  readonly deadline?: number
  readonly port?: number
  readonly injectFaults?: string
  readonly yes?: boolean
  readonly client?: readonly string[]
  readonly credentialsFile?: string
  readonly daemon?: boolean
  readonly hook?: boolean
  readonly skipCheck?: boolean
  readonly test?: boolean
  /** A textfile for node_exporter. */
  readonly metricsFile?: string
}

/** Carries the command out; resolves to the exit code. */
export type Run = (world: ProcessContext, line: CommandLine) => Promise<number>
