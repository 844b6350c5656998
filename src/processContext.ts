/** Everything of the process that commands may touch, handed to them by main.ts. */

export interface Output {
  readonly write: (text: string) => void
  readonly isTerminal: boolean
  /** systemd's journal, which reads a level at the beginning of each line. */
  readonly isJournal: boolean
  readonly colours: boolean
  /** Characters a line holds; 80 where nobody says. */
  readonly columns: number
}

/** What a person answers; hidden, it is not shown as it is typed. */
export type Ask = (question: string, hidden?: boolean) => Promise<string>

export interface ProcessContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly home: string
  readonly pid: number
  /** Absolute paths of what runs here, for files that are to start it again; a self-contained program has no main. */
  readonly program: { readonly node: string; readonly main: string | undefined }
  readonly nodeVersion: string
  /** Undefined where nobody sits at a terminal. */
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
  /** Calls back at each such signal, for as long as the process lives. */
  readonly onSignal: (name: 'SIGHUP' | 'SIGUSR1', call: () => void) => void
  /** Aborted when the operator or the system asks the process to end. */
  readonly shutdown: AbortSignal
  /** Aborted so many seconds after the start of the process, which is over then or a little later, whatever it does. */
  readonly endWithin: (seconds: number) => AbortSignal
}
