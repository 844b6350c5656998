/** Everything of the process that commands may touch, handed to them by main.ts. */

export interface Output {
  readonly write: (text: string) => void
  readonly isTerminal: boolean
  readonly colours: boolean
  /** Characters a line holds; 80 where nobody says. */
  readonly columns: number
}

export interface World {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly home: string
  /** Absolute paths of what runs here, for files that are to start it again. */
  readonly program: { readonly node: string; readonly main: string }
  readonly stdout: Output
  readonly stderr: Output
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Resolves after so many milliseconds; rejects when the signal is aborted before. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
  /** Aborted when the operator or the system asks the process to end. */
  readonly ending: AbortSignal
}
