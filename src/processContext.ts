/** What commands use of the process; main.ts makes it. */

export interface Output {
  readonly write: (text: string) => void
  readonly isTerminal: boolean
  /** systemd's journal, which reads a priority at the beginning of each line. */
  readonly isJournal: boolean
  readonly colours: boolean
  /** Characters in a line; 80 if unknown. */
  readonly columns: number
}

/** Asks a person at the terminal; a hidden answer is not shown as it is typed. */
export type Ask = (question: string, hidden?: boolean) => Promise<string>

export interface ProcessContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly home: string
  readonly pid: number
  /** Absolute paths of the running program, for files that start it again; the self-contained program has no main. */
  readonly program: { readonly node: string; readonly main: string | undefined }
  readonly nodeVersion: string
  /** Whether a command for root begins with sudo: this user is another, and it is there. */
  readonly hasSudo: () => boolean
  /** Undefined without a terminal. */
  readonly ask?: Ask | undefined
  readonly stdout: Output
  readonly stderr: Output
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** CLOCK_MONOTONIC in milliseconds: it never steps. */
  readonly monotonicNow: () => number
  /** Resolves after so many milliseconds; rejects when the signal is aborted before. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** In [0, 1). */
  readonly random: () => number
  /** Calls back at each such signal until the process ends. */
  readonly onSignal: (name: 'SIGHUP' | 'SIGUSR1', call: () => void) => void
  /** Aborted at SIGINT and SIGTERM. */
  readonly shutdown: AbortSignal
  /** Aborted so many seconds after the start of the process, which is ended soon after. */
  readonly endWithin: (seconds: number) => AbortSignal
}
